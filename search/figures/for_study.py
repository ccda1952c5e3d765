"""The pictures of a search, in files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from matplotlib.figure import Figure

from studyhall.search.figures.curves import curves_figure
from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.importances import importances, importances_figure
from studyhall.search.figures.optimisation import optimisation_figure
from studyhall.search.figures.parallel import parallel_figure
from studyhall.search.figures.pareto import pareto_figure
from studyhall.search.figures.rungs import rungs_figure
from studyhall.search.figures.search import Search
from studyhall.search.figures.style import FORMATS, save_as

OnSkip = Callable[[str], None]
"""Told in one line which picture was left out, and why."""


def draw_search_figures(
    study: optuna.Study,
    metric: str,
    direction: str,
    to: Path,
    *,
    rungs: Sequence[int] = (),
    formats: Sequence[str] = FORMATS,
    on_skip: OnSkip | None = None,
) -> list[Path]:
    """Draw a study's history, importances, parallel coordinates, learning curves, rungs and Pareto front.

    Of several objectives, all but the last picture show the first one. Rungs are drawn where trials pause.

    Args:
        study: The study as Optuna sees it.
        metric: The objective's name.
        direction: "minimize" or "maximize".
        to: The folder; it is created where it is missing.
        rungs: The epochs after which trials pause, if they do.
        formats: What each picture is written as: "png", "svg".
        on_skip: Hears of pictures for which the study has too little.

    Returns:
        The files, in that order.

    Raises:
        ArtifactError: A file cannot be written.
        StorageError: The storage does not answer, if the study is one of ours.
    """
    search = Search.of(study, metric, direction)
    shares = importances(study, search)
    pictures: dict[str, Callable[[], Figure]] = {
        "optimisation": lambda: optimisation_figure(search),
        "importances": lambda: importances_figure(search, shares),
        "parallel-coordinates": lambda: parallel_figure(search, shares),
        "learning-curves": lambda: curves_figure(search),
    }
    if rungs:
        pictures["rungs"] = lambda: rungs_figure(study, search, rungs)
    if len(study.directions) > 1:
        metrics = study.metric_names or [metric, *(f"objective {n}" for n in range(1, len(study.directions)))]
        pictures["pareto-front"] = lambda: pareto_figure(study, search, metrics)
    written: list[Path] = []
    for name, draw in pictures.items():
        try:
            written += save_as(draw(), to, name, formats)
        except NothingToDrawError as reason:
            if on_skip is not None:
                on_skip(f"{name} is left out: {reason}")
    return written
