"""How studies stand, as a table for people or as JSON for programs."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from studyhall.search.views.narration import exhausted_in_words, values_in_words
from studyhall.studies.json_text import to_json
from studyhall.studies.status.summary import Entry

PLAIN_WIDTH = 160  # columns, where no terminal says how many there are


def show_status(entries: Sequence[Entry], storage: str, *, as_json: bool) -> None:
    """Print studies to the standard output.

    Args:
        entries: the studies.
        storage: the database's URL, without its password.
        as_json: print one JSON object instead of tables.
    """
    if as_json:
        studies = [as_record(entry) for entry in entries]
        sys.stdout.write(to_json({"storage": storage, "studies": studies}, indent=2) + "\n")
        return
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    if not entries:
        console.print(
            f"{storage} holds no study yet. Create one with: studyhall search STUDY.toml", markup=False
        )
        return
    table = Table(
        title=Text(storage), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    for heading in ("study", "done", "pruned", "failed", "running", "waiting", "best", "trial", "published"):
        table.add_column(
            heading, no_wrap=True, justify="left" if heading in ("study", "published") else "right"
        )
    for entry in entries:
        counts, best = entry.counts, entry.best
        table.add_row(
            entry.name,
            *map(str, (counts.complete, counts.pruned, counts.failed, counts.running, counts.waiting)),
            f"{best.value:.6g}" if best else "-",
            str(best.number) if best else "-",
            _published(entry),
        )
    console.print(table, markup=False, soft_wrap=True)
    for entry in entries:
        if entry.best is not None and entry.best.hyperparameters:
            values = values_in_words(dict(entry.best.hyperparameters))
            after = entry.best.pruned_after
            ended = "" if after is None else f" (ended by the pruner after epoch {after})"
            console.print(f"best of {entry.name}: {values}{ended}", markup=False, soft_wrap=True)
        for line in front_in_words(entry):
            console.print(line, markup=False, soft_wrap=True)
        if entry.expired:
            console.print(expired_in_words(entry), markup=False, soft_wrap=True)
        if entry.exhausted is not None:
            console.print(
                f"{entry.name}: {exhausted_in_words(entry.exhausted)}", markup=False, soft_wrap=True
            )
        for kind, count in entry.failures.items():
            console.print(f"failed trials of {entry.name}: {count} {kind}", markup=False, soft_wrap=True)


def expired_in_words(entry: Entry) -> str:
    """Return the line for running trials whose lease is over: their workers are gone."""
    one = entry.expired == 1
    return (
        f"of the running trials of {entry.name}, {entry.expired} {'has' if one else 'have'} no worker any more: the next worker "
        f"that looks for a trial puts {'it' if one else 'them'} back into the queue"
    )


def front_in_words(entry: Entry) -> Iterator[str]:
    """Yield the lines that show the best compromises of a study with several objectives."""
    if not entry.front:
        return
    objective = (entry.definition or {}).get("objective", {})
    metrics = [each["metric"] for each in (objective, *objective.get("also", ()))] if objective else []
    yield f"best compromises of {entry.name} ({len(entry.front)} trials):"
    for trial in entry.front:
        names = metrics or [f"objective {number}" for number in range(len(trial.values))]
        values = ", ".join(f"{name} {value:.6g}" for name, value in zip(names, trial.values, strict=True))
        yield f"  trial {trial.number}: {values}  ({values_in_words(dict(trial.hyperparameters))})"


def _published(entry: Entry) -> str:
    if entry.bundle is None:
        return "no"
    return f"{entry.bundle['source']} model, {str(entry.bundle['created'])[:16].replace('T', ' ')}"


def as_record(entry: Entry) -> dict[str, Any]:
    """Return a study as JSON values; times are ISO 8601, in UTC."""
    record = asdict(entry)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in record.items()
    }
