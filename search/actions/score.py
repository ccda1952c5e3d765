"""Evaluation and prediction as a person sees them: with a progress bar, and the result in a few lines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from studyhall.search.scoring.evaluation import Evaluation, evaluate_model
from studyhall.search.scoring.prediction import predict_files
from studyhall.search.scoring.quiet import quiet_native_output
from studyhall.studies.errors import ArtifactError
from studyhall.studies.files import explain, write_atomically


def evaluate_and_show(
    model: Path,
    rounds: int,
    samples: int,
    seed: int,
    mix: Any,
    source: str | None,
    json_file: Path | None,
    *,
    allow_code: bool = False,
) -> Evaluation:
    """Evaluate a bundle or model file and print the scores.

    See `evaluate_model` for the arguments and errors.

    Args:
        json_file: Where to write the evaluation as JSON too.
        allow_code: Whether code that the model holds or needs may run.
    """
    with quiet_native_output() as errors, _bars(errors) as bars:
        bar = bars.add_task("loading", total=rounds * samples)
        evaluation = evaluate_model(
            model,
            mix,
            rounds,
            samples,
            seed,
            source=source,
            allow_code=allow_code,
            on_progress=lambda done, total: bars.update(
                bar, description="evaluating", completed=done, total=total
            ),
        )
    if json_file is not None:
        try:
            with write_atomically(json_file) as temporary:
                temporary.write_text(evaluation.to_json())
        except OSError as error:
            raise ArtifactError(f"Cannot write {json_file}: {explain(error)}") from error
    Console().print(_table(evaluation))
    if evaluation.looks_exchanged:
        errors.print("This model seems to return the item first; a separator returns the digit first.")
    return evaluation


def _table(evaluation: Evaluation) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), title_justify="left", title_style="")
    table.title = (
        f"{evaluation.model}: {evaluation.parameters:,} parameters, {evaluation.layout}\n"
        f"{len(evaluation.rounds)} rounds of {evaluation.samples} mixtures ({evaluation.mix}) "
        f"of {evaluation.source} test images, seed {evaluation.seed}"
    )
    for heading in ("mean squared error", "mean", "std over rounds"):
        table.add_column(heading, justify="left" if heading == "mean squared error" else "right")
    for name, score in (
        ("both", evaluation.joint),
        ("digit", evaluation.digit),
        ("item", evaluation.item),
        ("identity, for comparison", evaluation.identity),
    ):
        table.add_row(name, f"{score.mean:.4e}", f"{score.std:.1e}", style="bold" if name == "both" else "")
    return table


def predict_and_show(
    model: Path,
    images: Sequence[Path],
    to: Path,
    *,
    fit: bool,
    pair: tuple[Path, Path] | None,
    allow_code: bool = False,
) -> None:
    """Separate images and print what was written; see `predict_files` for the arguments and errors."""
    with quiet_native_output() as errors, _bars(errors) as bars:
        bar = bars.add_task("reading", total=None)
        separations = predict_files(
            model,
            images,
            to,
            pair=pair,
            fit=fit,
            allow_code=allow_code,
            on_progress=lambda step, done, total: bars.update(
                bar, description=step, completed=done, total=total
            ),
        )
    out = Console()
    for separation in separations:
        source = " + ".join(str(file) for file in separation.files)
        out.print(f"{source} -> {separation.digit}, {separation.item}", markup=False, soft_wrap=True)


def _bars(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
