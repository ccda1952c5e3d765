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
from studyhall.studies.status.summary import StudySummary

PLAIN_WIDTH = 160  # columns, where no terminal says how many there are


def show_status(summaries: Sequence[StudySummary], storage: str, *, as_json: bool) -> None:
    """Print studies to the standard output.

    Args:
        summaries: The studies.
        storage: The database's URL, without its password.
        as_json: Print one JSON object instead of tables.
    """
    if as_json:
        studies = [as_record(summary) for summary in summaries]
        sys.stdout.write(to_json({"storage": storage, "studies": studies}, indent=2) + "\n")
        return
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    if not summaries:
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
    for summary in summaries:
        counts, best = summary.counts, summary.best
        table.add_row(
            summary.name,
            *map(str, (counts.complete, counts.pruned, counts.failed, counts.running, counts.waiting)),
            f"{best.value:.6g}" if best else "-",
            str(best.number) if best else "-",
            _published(summary),
        )
    console.print(table, markup=False, soft_wrap=True)
    for summary in summaries:
        if summary.best is not None and summary.best.hyperparameters:
            values = values_in_words(dict(summary.best.hyperparameters))
            after = summary.best.pruned_after
            ended = "" if after is None else f" (ended by the pruner after epoch {after})"
            console.print(f"best of {summary.name}: {values}{ended}", markup=False, soft_wrap=True)
        for line in front_in_words(summary):
            console.print(line, markup=False, soft_wrap=True)
        if summary.expired:
            console.print(expired_in_words(summary), markup=False, soft_wrap=True)
        if summary.exhausted is not None:
            console.print(
                f"{summary.name}: {exhausted_in_words(summary.exhausted)}", markup=False, soft_wrap=True
            )
        for kind, count in summary.failures.items():
            console.print(f"failed trials of {summary.name}: {count} {kind}", markup=False, soft_wrap=True)


def expired_in_words(summary: StudySummary) -> str:
    """Return the line for running trials whose lease is over: their workers are gone."""
    one = summary.expired == 1
    return (
        f"of the running trials of {summary.name}, {summary.expired} {'has' if one else 'have'} no worker any more: the next worker "
        f"that looks for a trial puts {'it' if one else 'them'} back into the queue"
    )


def front_in_words(summary: StudySummary) -> Iterator[str]:
    """Yield the lines that show the best compromises of a study with several objectives."""
    if not summary.front:
        return
    objective = (summary.definition or {}).get("objective", {})
    metrics = [each["metric"] for each in (objective, *objective.get("also", ()))] if objective else []
    yield f"best compromises of {summary.name} ({len(summary.front)} trials):"
    for trial in summary.front:
        names = metrics or [f"objective {number}" for number in range(len(trial.values))]
        values = ", ".join(f"{name} {value:.6g}" for name, value in zip(names, trial.values, strict=True))
        yield f"  trial {trial.number}: {values}  ({values_in_words(dict(trial.hyperparameters))})"


def _published(summary: StudySummary) -> str:
    if summary.bundle is None:
        return "no"
    return f"{summary.bundle['source']} model, {str(summary.bundle['created'])[:16].replace('T', ' ')}"


def as_record(summary: StudySummary) -> dict[str, Any]:
    """Return a study as JSON values; times are ISO 8601, in UTC."""
    record = asdict(summary)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in record.items()
    }
