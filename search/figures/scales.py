"""Axes for numbers: logarithmic where that is readable, with labels in few letters."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogFormatter, MaxNLocator

from studyhall.search.figures.wording import compact


class _LogLabels(LogFormatter):
    """Labels where matplotlib would put some, in our words."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return compact(x) if super().__call__(x, pos) else ""


def scale(axis: Axis, values: Iterable[float], *, from_ratio: float = 5.0) -> bool:
    """Make an axis logarithmic if all values are positive and span a ratio; return whether it now is."""
    finite = np.asarray([value for value in values if np.isfinite(value)], float)
    if finite.size == 0 or finite.min() <= 0 or finite.max() / finite.min() < from_ratio:
        axis.set_major_formatter(FuncFormatter(_label))
        return False
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    axis.set_major_formatter(_LogLabels())
    axis.set_minor_formatter(_LogLabels(labelOnlyBase=False))
    axis.set_tick_params(which="minor", labelsize=7.5)
    return True


def whole_numbers(axis: Axis) -> None:
    """Put an axis's ticks at whole numbers only."""
    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(_label))


def _label(x: float, _: Any) -> str:
    return compact(x)
