"""The axes of parallel coordinates: where each value of a hyperparameter or the objective has its place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from matplotlib.ticker import Locator, LogLocator, MaxNLocator
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from studyhall.search.figures.wording import compact, short, shown_value

MOST_TICKS = 12  # words at an axis of categories


class Scale(Protocol):
    """One axis, from 0 at the bottom to 1 at the top."""

    @property
    def ticks(self) -> Sequence[tuple[float, str]]:
        """Heights and what to write there."""

    def place(self, value: Any) -> float:
        """Return a value's height."""


@dataclass(frozen=True)
class Numbers:
    """An axis of numbers."""

    low: float
    high: float
    log: bool
    whole: bool = False

    def place(self, value: Any) -> float:
        """Return a number's height; 0.5 where the axis has but one number."""
        low, high, number = self._inner(self.low), self._inner(self.high), self._inner(float(value))
        return 0.5 if high <= low else (number - low) / (high - low)

    @property
    def ticks(self) -> Sequence[tuple[float, str]]:
        """Round numbers within the range."""
        if self.low == self.high:
            return [(0.5, compact(self.low))]
        inside = [
            tick
            for tick in self._round_numbers()
            if self.low <= tick * (1 + 1e-9) and tick * (1 - 1e-9) <= self.high
        ]
        return [
            (self.place(tick), compact(tick))
            for tick in (inside if len(inside) > 1 else (self.low, self.high))
        ]

    def _round_numbers(self) -> Sequence[float]:
        locator: Locator = MaxNLocator(5, integer=self.whole)
        if self.log and self.high / self.low >= 10:
            locator = LogLocator(subs=(1.0, 3.0) if self.high / self.low < 1e4 else (1.0,))
        return [float(tick) for tick in locator.tick_values(self.low, self.high)]

    def _inner(self, number: float) -> float:
        return math.log(number) if self.log else number


@dataclass(frozen=True)
class Words:
    """An axis of categories, the first one at the bottom."""

    values: tuple[Any, ...]

    def place(self, value: Any) -> float:
        """Return a category's height."""
        # By type too: True is not 1.
        found = next(i for i, each in enumerate(self.values) if type(each) is type(value) and each == value)
        return 0.5 if len(self.values) == 1 else found / (len(self.values) - 1)

    @property
    def ticks(self) -> Sequence[tuple[float, str]]:
        """Every category, or as many as can be read."""
        every = math.ceil(len(self.values) / MOST_TICKS)
        return [(self.place(value), short(shown_value(value), 16)) for value in self.values[::every]]


def scale_of(name: str, trials: Sequence[FrozenTrial]) -> Scale:
    """Return the axis of a parameter, which spans all that the study's trials could have been given."""
    distributions = [trial.distributions[name] for trial in trials if name in trial.distributions]
    words = [each for each in distributions if isinstance(each, CategoricalDistribution)]
    if words:
        choices = {(type(choice), choice): choice for each in words for choice in each.choices}
        values: tuple[Any, ...] = tuple(choices.values())
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            values = tuple(sorted(values))
        return Words(values)
    ranges = [_range(each) for each in distributions]
    return Numbers(
        min(each.low for each in ranges),
        max(each.high for each in ranges),
        log=all(each.log for each in ranges),
        whole=all(each.whole for each in ranges),
    )


def scale_of_values(values: Sequence[float]) -> Numbers:
    """Return the axis of the objective."""
    low, high = float(np.min(values)), float(np.max(values))
    return Numbers(low, high, log=low > 0 and high / low >= 5)


def _range(distribution: BaseDistribution) -> Numbers:
    if isinstance(distribution, FloatDistribution | IntDistribution):
        whole = isinstance(distribution, IntDistribution)
        return Numbers(float(distribution.low), float(distribution.high), distribution.log, whole)
    raise TypeError(f"{distribution!r} is not a distribution of Optuna's")
