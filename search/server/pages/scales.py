"""The axes of a chart: from numbers to places, with round numbers marked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_DAY = 86400.0  # s
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200)  # s


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    place: float  # in units of the chart
    label: str


@dataclass(frozen=True)
class Scale:
    """One axis: `low` is drawn at `start`, `high` at `stop`; what lies beyond is drawn at the edge."""

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    def place(self, number: float) -> float:
        """Return where a number is drawn."""
        if self.high <= self.low:
            return (self.start + self.stop) / 2
        low, high, at = (self._measure(each) for each in (self.low, self.high, number))
        return self.start + min(1.0, max(0.0, (at - low) / (high - low))) * (self.stop - self.start)

    def _measure(self, number: float) -> float:
        if not self.logarithmic:
            return number
        return math.log(number) if number > 0 else -math.inf

    def beyond(self, number: float) -> bool:
        """Whether a number is drawn at the edge because it lies beyond it."""
        return not self.low <= number <= self.high


def value_ticks(scale: Scale, most: int = 5) -> list[Tick]:
    """Return round numbers on an axis of values."""
    numbers = _decades(scale, most) if scale.logarithmic else []
    if len(numbers) < 2:
        numbers = _round_numbers(scale.low, scale.high, most)
    step = min((later - earlier for earlier, later in pairwise(numbers)), default=scale.low or 1.0)
    return [Tick(scale.place(number), _label(number, step)) for number in numbers]


def time_ticks(scale: Scale, most: int = 6) -> list[Tick]:
    """Return round durations on an axis of seconds."""
    span = scale.high - scale.low
    if span <= 0:
        return []
    days = [_DAY * each for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)]
    step = next((float(each) for each in (*_STEPS, *days) if span / each <= most), span / most)
    count = math.floor(scale.high / step)
    return [
        Tick(scale.place(index * step), _duration(index * step))
        for index in range(math.ceil(scale.low / step), count + 1)
    ]


def count_ticks(scale: Scale, most: int = 6) -> list[Tick]:
    """Return round whole numbers on an axis that counts."""
    numbers = [number for number in _round_numbers(scale.low, scale.high, most) if number == int(number)]
    return [Tick(scale.place(number), f"{int(number):,}") for number in numbers]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the number that so many of a sorted sequence are not above."""
    return ordered[min(len(ordered) - 1, math.ceil(share * (len(ordered) - 1)))]


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    magnitude = 10.0 ** math.floor(math.log10(span / most))
    step = next(
        factor * magnitude for factor in (1, 2, 2.5, 5, 10, 20) if span / (factor * magnitude) <= most
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _decades(scale: Scale, most: int) -> list[float]:
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    for factors in ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        numbers = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
        numbers = [number for number in numbers if scale.low <= number <= scale.high]
        if len(numbers) <= most + 1:
            return numbers
    return numbers[:: math.ceil(len(numbers) / most)]


def _label(number: float, step: float) -> str:
    if number == 0:
        return "0"
    digits = max(1, math.floor(math.log10(abs(number))) - math.floor(math.log10(step) + 1e-9) + 1)
    text = f"{number:.{min(digits, 9) + 1}g}"
    return text.replace("e-0", "e-").replace("e+0", "e+").replace("-", "−")


def _duration(seconds: float) -> str:
    if seconds >= 2 * _DAY and seconds % _DAY == 0:
        return f"{seconds / _DAY:g} d"
    if seconds >= 3600:
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"
    if seconds >= 60:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s" if seconds else "0"
