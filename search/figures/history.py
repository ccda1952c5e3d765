"""The training history: the error of every epoch, the learning rate below it, and the best epoch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.scales import scale, whole_numbers
from studyhall.search.figures.style import BLUE, GREEN, INK, VERMILION, drawing, head, new_figure
from studyhall.search.figures.wording import compact, short

History = Mapping[str, Sequence[Any]]
"""For each name that training reports, an entry for each epoch: a number, several, or None."""

LEARNING_RATE = "learning_rate"
FEW = 40  # epochs; up to here each one is a dot


@drawing()
def history_figure(
    history: History,
    metric: str = "val_loss",
    best_epoch: int | None = None,
    *,
    direction: str = "minimize",
    title: str = "Training history",
    subtitle: str = "",
) -> Figure:
    """Draw a training history.

    Args:
        history: An entry for each epoch, for each name that training reports; `learning_rate` may be among
            them.
        metric: The objective; of "val_loss", "loss" is drawn as what it was on the training examples.
        best_epoch: Counts from 1; by default the first one with the best value of the metric.
        direction: Of the metric, "minimize" or "maximize".
        title, subtitle: What is written above.

    Raises:
        NothingToDrawError: The history holds no epoch of the metric.
    """
    values = numbers_of(history, metric)
    if not any(map(math.isfinite, values)):
        raise NothingToDrawError(f"the history holds no epoch of '{short(metric, 60)}'")
    best = best_epoch if best_epoch is not None else _first_best(values, direction)
    rates = numbers_of(history, LEARNING_RATE)
    figure = new_figure(8, 5.4 if rates else 4.2)
    if rates:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        _draw_rates(below, rates, best)
    else:
        above = below = figure.subplots()
    head(figure, short(title, 80), short(subtitle, 110))
    _draw_errors(above, history, metric, values, best)
    below.set_xlabel("epoch")
    whole_numbers(below.xaxis)
    below.set_xlim(0.5, len(values) + 0.5)
    return figure


def numbers_of(history: History, name: str) -> list[float]:
    """Return what a history holds of a name, NaN for epochs without it.

    It returns nothing where the history has several numbers an epoch.
    """
    values = history.get(name, ())
    if any(isinstance(value, list | tuple) for value in values):
        return []
    return [math.nan if value is None else float(value) for value in values]


def _draw_errors(axes: Axes, history: History, metric: str, values: Sequence[float], best: int) -> None:
    counterpart = metric.removeprefix("val_") if metric.startswith("val_") else f"val_{metric}"
    other = numbers_of(history, counterpart)
    names = ("validation", "training") if metric.startswith("val_") else ("training", "validation")
    curves = {names[0]: values, names[1]: other}
    marker = "o" if len(values) <= FEW else ""
    for name, colour in (("training", BLUE), ("validation", VERMILION)):
        if curves[name]:
            epochs = range(1, len(curves[name]) + 1)
            axes.plot(epochs, curves[name], color=colour, marker=marker, markersize=3.5, label=name)
    if 1 <= best <= len(values):
        axes.axvline(best, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        label = f"best: epoch {best}, {compact(values[best - 1])}"
        axes.plot(best, values[best - 1], "*", color=INK, markersize=11, label=label, zorder=4)
    axes.set_ylabel(short(metric.removeprefix("val_"), 40))
    scale(axes.yaxis, [*values, *other], from_ratio=1.0)
    axes.legend(loc="best")


def _draw_rates(axes: Axes, rates: Sequence[float], best: int) -> None:
    axes.plot(
        range(1, len(rates) + 1), rates, color=GREEN, drawstyle="steps-mid", marker="o" * (len(rates) == 1)
    )
    if 1 <= best <= len(rates):
        axes.axvline(best, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.set_ylabel("learning rate")
    scale(axes.yaxis, rates)
    if len(set(rates)) == 1:
        axes.set_yticks(rates[:1], [compact(rates[0])])


def _first_best(values: Sequence[float], direction: str) -> int:
    finite = [
        (value if direction == "minimize" else -value, epoch)
        for epoch, value in enumerate(values, 1)
        if math.isfinite(value)
    ]
    return min(finite)[1]
