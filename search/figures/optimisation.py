"""The optimisation history: what every trial reached, and the best so far."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.scales import scale, whole_numbers
from studyhall.search.figures.search import Search, reached
from studyhall.search.figures.style import BLUE, INK, ORANGE, VERMILION, drawing, head, new_figure
from studyhall.search.figures.wording import compact


@drawing()
def optimisation_figure(search: Search) -> Figure:
    """Draw the value of each trial over its number.

    Raises:
        NothingToDrawError: No trial has ended.
    """
    valued = [
        (trial.number, value) for trial in search.pruned if (value := reached(search, trial)) is not None
    ]
    valueless = [trial for trial in search.pruned if reached(search, trial) is None]
    if not (search.complete or search.pruned or search.failed):
        raise NothingToDrawError("no trial has ended yet")
    figure = new_figure(8, 4.4)
    axes = figure.subplots()
    head(figure, "Optimisation history", search.summary)
    if search.complete:
        numbers = [trial.number for trial in search.complete]
        axes.plot(numbers, search.values, "o", color=BLUE, markersize=5, alpha=0.85, label="complete")
    if valued:
        axes.plot(
            *zip(*valued, strict=True),
            "^",
            color=ORANGE,
            markerfacecolor="none",
            markersize=5.5,
            label="pruned (best value)",
        )
    if search.best is not None:
        last = max(trial.number for trial in (*search.complete, *search.pruned, *search.failed))
        _draw_best(axes, search, last)
    _draw_below(axes, valueless, "1", ORANGE, "pruned at once")
    _draw_below(axes, search.failed, "x", VERMILION, "failed")
    axes.set_xlabel("trial")
    axes.set_ylabel(search.goal)
    axes.margins(x=0.03)
    whole_numbers(axes.xaxis)
    scale(axes.yaxis, [*search.values, *(value for _, value in valued)])
    if not (search.complete or valued):
        axes.set_yticks([])
    figure.legend(loc="outside lower center", ncols=5)
    return figure


def _draw_best(axes: Axes, search: Search, last: int) -> None:
    better = min if search.direction == "minimize" else max
    numbers: list[int] = []
    values: list[float] = []
    for trial in search.complete:
        numbers.append(trial.number)
        values.append(better([*values[-1:], trial.values[0]]))
    axes.plot(
        [*numbers, last],
        [*values, values[-1]],
        color=INK,
        drawstyle="steps-post",
        linewidth=1.2,
        label="best so far",
        zorder=1.5,
    )
    best = search.best
    if best is not None:
        label = f"best: trial {best.number}, {compact(best.values[0])}"
        axes.plot(best.number, best.values[0], "*", color=INK, markersize=12, label=label)


def _draw_below(axes: Axes, trials: Sequence[FrozenTrial], marker: str, colour: str, label: str) -> None:
    """Mark trials without a value at the bottom of the picture, whatever the values above."""
    if trials:
        numbers = [trial.number for trial in trials]
        axes.plot(
            numbers,
            [0.015] * len(numbers),
            marker,
            color=colour,
            markersize=6,
            markeredgewidth=1.6,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            label=label,
        )
