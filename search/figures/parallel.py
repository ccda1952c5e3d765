"""Parallel coordinates: every trial a line through its hyperparameters' values to what it reached."""

import random
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.parallel_axes import Numbers, Scale, Words, scale_of, scale_of_values
from studyhall.search.figures.search import Search
from studyhall.search.figures.style import INK, LINE, MUTED, drawing, head, new_figure
from studyhall.search.figures.wording import count, wrapped

MOST = 11  # hyperparameters in one picture
LETTERS, LINES = 16, 5  # of an axis's name
PITCH = 1.35  # inches between two axes
UNUSED = -0.14  # the height of "not used"


@drawing()
def parallel_figure(search: Search, shares: Mapping[str, float]) -> Figure:
    """Draw the complete trials as lines, coloured by their values, and the pruned ones in grey behind them.

    Args:
        search: The trials.
        shares: Parameters' importances; where there are more parameters than axes, the most important ones
            are drawn.

    Raises:
        NothingToDrawError: No trial is complete, or trials have no hyperparameters.
    """
    search.require_complete()
    every = list(dict.fromkeys(name for trial in search.complete for name in trial.params))
    if not every:
        raise NothingToDrawError("its trials have no hyperparameters")
    names = sorted(every, key=lambda name: -shares.get(name, 0.0))[:MOST]
    ended = (*search.complete, *search.pruned)
    scales = {name: scale_of(name, ended) for name in names}
    values = scale_of_values(search.values)
    figure = new_figure(max(8.0, 1.6 + PITCH * len(names)), 5.2)
    axes = figure.subplots()
    subtitle = search.summary
    if search.best is not None:
        subtitle += f"; the thick line is the best, trial {search.best.number}"
        subtitle += ", pruned ones are grey" if search.pruned else ""
    if len(every) > len(names):
        subtitle += f"; {count(len(every) - len(names), 'less important hyperparameter')} left out"
    head(figure, "Hyperparameters of the trials", subtitle)
    for trial in search.pruned:
        if set(names) & set(trial.params):
            axes.plot(*_line(trial, names, scales, None), color=LINE, linewidth=0.9, zorder=1)
    colours = _colours(search.direction)
    for trial in sorted(
        search.complete, key=lambda trial: trial.values[0], reverse=search.direction == "minimize"
    ):
        height = values.place(trial.values[0])
        is_best = trial is search.best
        axes.plot(
            *_line(trial, names, scales, height),
            color=colours(height),
            linewidth=2.6 if is_best else 1.1,
            alpha=1.0 if is_best else 0.75,
            zorder=3 if is_best else 2,
        )
    bottom = UNUSED if any(name not in trial.params for trial in ended for name in names) else 0.0
    for place, name in enumerate(names):
        _draw_axis(axes, place, scales[name], wrapped(name, LETTERS, LINES), bottom)
        if any(name not in trial.params for trial in ended):
            _write(axes, place, UNUSED, "not used", MUTED)
    _draw_values(axes, len(names), values, wrapped(search.goal, LETTERS, LINES), bottom, colours)
    axes.set_xlim(-0.35, len(names) + 0.62)
    axes.set_ylim(bottom - 0.06, 1.04)
    axes.set_axis_off()
    return figure


def _line(
    trial: FrozenTrial, names: Sequence[str], scales: Mapping[str, Scale], end: float | None
) -> tuple[list[float], list[float]]:
    # Categories are a few points on which lines would lie upon each other: each trial passes a little beside.
    beside = random.Random(trial.number)
    heights = []
    for name in names:
        jitter = beside.uniform(-0.02, 0.02)
        if name not in trial.params:
            heights.append(UNUSED + jitter)
        elif isinstance(scales[name], Words):
            heights.append(scales[name].place(trial.params[name]) + jitter)
        else:
            heights.append(scales[name].place(trial.params[name]))
    if end is not None:
        heights.append(end)
    return [float(place) for place in range(len(heights))], heights


def _draw_axis(axes: Axes, place: float, scale: Scale, name: str, bottom: float) -> None:
    axes.plot([place, place], [0, 1], color=INK, linewidth=1.0, zorder=4)
    axes.annotate(
        name,
        (place, bottom),
        (0, -16),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8.5,
        fontweight="bold",
        annotation_clip=False,
    )
    for height, label in scale.ticks:
        axes.plot([place - 0.02, place], [height, height], color=INK, linewidth=1.0, zorder=4)
        _write(axes, place, height, label, INK)


def _draw_values(
    axes: Axes, place: float, scale: Numbers, name: str, bottom: float, colours: Colormap
) -> None:
    """Draw the objective's axis, which is the key to the colours as well."""
    axes.imshow(
        np.linspace(0, 1, 256)[:, None],
        cmap=colours,
        extent=(place, place + 0.06, 0, 1),
        origin="lower",
        aspect="auto",
        zorder=4,
    )
    _draw_axis(axes, place, scale, name, bottom)


def _write(axes: Axes, place: float, height: float, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (place, height),
        (-5, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=8,
        color=colour,
        zorder=5,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
    )


def _colours(direction: str) -> Colormap:
    """Return the colours from the lowest value to the highest; the best is bright."""
    # Without the yellow end, which is hard to see on white.
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.88, 256))
    return ListedColormap(shades if direction == "maximize" else shades[::-1])
