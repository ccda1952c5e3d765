"""The Pareto front, drawn by the first two objectives of a search."""

from collections.abc import Sequence

import optuna
from matplotlib.figure import Figure
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.scales import scale
from studyhall.search.figures.search import Search
from studyhall.search.figures.style import BLUE, INK, SKY, drawing, head, new_figure
from studyhall.search.figures.wording import count, short

LABELLED = 8  # trials of the front whose numbers there is room for


@drawing()
def pareto_figure(study: optuna.Study, search: Search, metrics: Sequence[str]) -> Figure:
    """Draw every complete trial by its first two objectives, and the front as a line.

    Args:
        study: The study, with two objectives or more.
        search: Its trials.
        metrics: The objectives' names.

    Raises:
        NothingToDrawError: No trial is complete, or there is one objective.
    """
    if len(study.directions) < 2:
        raise NothingToDrawError("the study has one objective")
    search.require_complete()
    front = sorted(study.best_trials, key=lambda trial: tuple(trial.values))
    figure = new_figure(6.4, 4.8)
    axes = figure.subplots()
    more = f", drawn by the first two of {len(metrics)} objectives" if len(metrics) > 2 else ""
    subtitle = f"{short(search.name, 40)}: {len(front)} of {count(len(search.complete), 'complete trial')}"
    head(figure, "Pareto front", subtitle + more)
    on_front = {trial.number for trial in front}
    others = [trial for trial in search.complete if trial.number not in on_front]
    axes.plot(*_places(others), "o", color=SKY, markersize=4.5, alpha=0.8, label="complete")
    line = "-o" if len(metrics) == 2 else "o"  # with more objectives, neighbours need not be neighbours
    axes.plot(*_places(front), line, color=BLUE, markersize=6, linewidth=1.2, label="front")
    for trial in front if len(front) <= LABELLED else (front[0], front[-1]):
        axes.annotate(
            str(trial.number),
            (trial.values[0], trial.values[1]),
            xytext=(4, 4),
            textcoords="offset points",
            fontsize=8,
            color=INK,
        )
    for axis, number in ((axes.xaxis, 0), (axes.yaxis, 1)):
        lower = study.directions[number] is StudyDirection.MINIMIZE
        axis.set_label_text(f"{short(metrics[number], 40)} ({'lower' if lower else 'higher'} is better)")
        scale(axis, [trial.values[number] for trial in search.complete])
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _places(trials: Sequence[FrozenTrial]) -> tuple[list[float], list[float]]:
    return [trial.values[0] for trial in trials], [trial.values[1] for trial in trials]
