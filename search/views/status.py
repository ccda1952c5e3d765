"""How studies stand, as a table for people or as JSON for programs."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from studyhall.search.views.narration import (
    STATES,
    counts_in_words,
    exhausted_in_words,
    values_in_words,
)
from studyhall.studies.json_text import to_json
from studyhall.studies.status.rungs import paused_in_words
from studyhall.studies.status.summary import StudySummary

PLAIN_WIDTH = 160  # columns, where no terminal says how many there are
WIDEST = 1_000  # columns that a table may need


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
    table = _table(summaries, storage)
    if console.measure(table, options=console.options.update(width=WIDEST)).maximum <= console.width:
        console.print(table, markup=False, soft_wrap=True)
    else:  # a table that is cut says nothing; lines wrap
        console.print(storage, style="bold", markup=False, highlight=False, soft_wrap=True)
        for line in map(_line, summaries):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    for summary in summaries:
        if summary.best is not None and summary.best.hyperparameters:
            values = values_in_words(dict(summary.best.hyperparameters))
            after = summary.best.pruned_after
            ended = "" if after is None else f" (ended by the pruner after epoch {after})"
            console.print(f"best of {summary.name}: {values}{ended}", markup=False, soft_wrap=True)
        for line in front_in_words(summary):
            console.print(line, markup=False, soft_wrap=True)
        if paused := paused_in_words(summary.rungs):
            console.print(f"paused trials of {summary.name}: {paused}", markup=False, soft_wrap=True)
        for line in silent_in_words(summary):
            console.print(line, markup=False, soft_wrap=True)
        if summary.exhausted is not None:
            console.print(
                f"{summary.name}: {exhausted_in_words(summary.exhausted)}", markup=False, soft_wrap=True
            )
        for kind, count in summary.failures.items():
            console.print(f"failed trials of {summary.name}: {count} {kind}", markup=False, soft_wrap=True)


def _table(summaries: Sequence[StudySummary], storage: str) -> Table:
    table = Table(
        title=Text(storage), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    for heading in ("study", *STATES, "best", "trial", "published"):
        table.add_column(
            heading, no_wrap=True, justify="left" if heading in ("study", "published") else "right"
        )
    for summary in summaries:
        best = summary.best
        table.add_row(
            summary.name,
            *(str(getattr(summary.counts, state)) for state in STATES),
            f"{best.value:.6g}" if best else "-",
            str(best.number) if best else "-",
            _published(summary),
        )
    return table


def _line(summary: StudySummary) -> str:
    """Return what the table says of a study, for terminals that are too narrow for it."""
    return (
        f"{summary.name}: {counts_in_words(summary.counts) or 'no trials'} | {_best(summary)} | "
        f"published: {_published(summary)}"
    )


def _best(summary: StudySummary) -> str:
    best = summary.best
    return f"best {best.value:.6g} (trial {best.number})" if best else "no best value yet"


def silent_in_words(summary: StudySummary) -> Iterator[str]:
    """Yield a line for each running trial whose worker is silent, and when it comes back."""
    for trial in summary.silent:
        heard = f"{trial.worker or 'its worker'} has been silent for {trial.silent_seconds:.0f} s"
        comes = (
            f"it goes back into the queue in {trial.back_seconds:.0f} s, unless that worker reports again"
            if trial.back_seconds > 0
            else _taken_up(summary, "it")
        )
        yield f"trial {trial.number} of {summary.name}: {heard}; {comes}"
    unheard = summary.expired - sum(trial.back_seconds <= 0 for trial in summary.silent)
    if unheard > 0:  # such as another program's, which nobody ever leased
        one = unheard == 1
        yield (
            f"{unheard} running trial{' of' if one else 's of'} {summary.name} {'has' if one else 'have'} lost "
            f"{'its worker' if one else 'their workers'}: {_taken_up(summary, 'it' if one else 'them')}"
        )


def _taken_up(summary: StudySummary, what: str) -> str:
    """Say who takes trials up whose workers are gone."""
    if summary.workers:
        return f"the next worker that looks for a trial puts {what} back into the queue"
    name = shlex.quote(summary.name)
    return f"no worker is there to put {what} back into the queue; start one with: studyhall worker {name}"


def front_in_words(summary: StudySummary) -> Iterator[str]:
    """Yield the lines that show the Pareto front of a study with several objectives."""
    if not summary.front:
        return
    objective = (summary.definition or {}).get("objective", {})
    metrics = [each["metric"] for each in (objective, *objective.get("also", ()))] if objective else []
    yield f"Pareto front of {summary.name} ({len(summary.front)} trials):"
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
