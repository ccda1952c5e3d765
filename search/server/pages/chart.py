"""The best value over time, with every trial, worked out as the shapes of a drawing."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from studyhall.search.server.pages import wording
from studyhall.search.server.pages.scales import Scale, Tick, count_ticks, quantile, time_ticks, value_ticks
from studyhall.studies.database.optuna_tables import COMPLETE, FAIL, PRUNED
from studyhall.studies.status.finished_trials import FinishedTrial, improvements
from studyhall.studies.status.report import Report

_LOGARITHMIC_FROM = 5.0  # the highest shown value over the lowest one
_PAUSE = 0.6  # of the time, in which nothing ended: then trials are drawn one after another
_ALL_SHOWN = 8  # so few values are shown without leaving any beyond the edge
_SHOWN_SHARE = 0.9  # of more values


@dataclass(frozen=True)
class Dot:
    """One trial that has a mark of its own, with words for a pointer that rests on it."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Chart:
    """A drawing of `width` by `height` units; paths are in the language of SVG."""

    width: int
    height: int
    left: float  # of the plot's area, as the next three
    right: float
    top: float
    bottom: float
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    x_title: str
    logarithmic: bool
    best: str  # the path of the best value so far
    complete: str  # the paths of dots, one for each kind of trial
    pruned: str
    failed: str
    improved: Sequence[Dot]
    running: Sequence[Dot]
    beyond: int  # how many trials are drawn at the edge


def draw(report: Report, width: int, height: int) -> Chart | None:
    """Draw a study's trials; None where there is nothing to draw yet."""
    sign = -1.0 if report.summary.direction == "maximize" else 1.0
    points = _points(report)
    values = sorted(sign * value for _, trial in points if (value := _finite(trial.value)) is not None)
    running = [(each, value) for each in report.running if (value := _finite(each.best_value)) is not None]
    values += [sign * value for _, value in running]
    if not values:
        return None
    left, right, top, bottom = 62.0, width - 14.0, 12.0, height - 40.0
    low, high = _range(sorted(values))
    y = _vertical(*((low, high) if sign > 0 else (-high, -low)), bottom, top)
    by_time = not _has_long_pause(report)
    end = max(report.seconds, 1e-3) if by_time else max(1.0, len(points) + (1.0 if running else 0.0))
    x = Scale(0.0, end, left, right - (8.0 if running else 0.0))
    places = {
        trial.number: x.place(seconds if by_time else order)
        for order, (seconds, trial) in enumerate(points, 1)
    }
    trials = [trial for _, trial in points]
    best = list(improvements(trials, report.summary.direction))
    return Chart(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x_ticks=(time_ticks if by_time else count_ticks)(x, 6 if width > 500 else 4),
        y_ticks=value_ticks(y, 6 if height > 260 else 5),
        x_title="time since the first trial began" if by_time else "trials, in the order in which they ended",
        logarithmic=y.logarithmic,
        best=_stairs([(places[t.number], y.place(t.value or 0.0)) for t in best], x.stop),
        complete=_dots((places[t.number], y.place(v)) for t, v in _of_state(trials, COMPLETE)),
        pruned=_dots((places[t.number], y.place(v)) for t, v in _of_state(trials, PRUNED)),
        failed=_dots((places[t.number], bottom) for t in trials if t.state == FAIL),
        improved=[
            Dot(places[t.number], y.place(t.value or 0.0), f"trial {t.number}: {wording.value(t.value)}")
            for t in best
        ],
        running=[
            Dot(
                right if by_time else x.place(len(points) + 1.0),
                y.place(value),
                f"trial {each.number} runs: {wording.value(value)} after {wording.plural(each.epoch, 'epoch')}",
            )
            for each, value in running
        ],
        beyond=sum(y.beyond(value) for t in trials if (value := _finite(t.value)) is not None),
    )


def _points(report: Report) -> list[tuple[float, FinishedTrial]]:
    """Return the trials that ended, each with the seconds from the study's beginning to its end."""
    begun = report.started or 0.0
    return [
        (max(0.0, trial.ended.timestamp() - begun), trial)
        for trial in report.finished
        if trial.ended is not None
    ]


def _has_long_pause(report: Report) -> bool:
    """Whether one pause would push all trials to the edges of a time axis."""
    times = [*(seconds for seconds, _ in _points(report)), report.seconds]
    longest = max((later - earlier for earlier, later in pairwise(times)), default=0.0)
    return len(times) > 3 and longest > _PAUSE * max(times[-1], 1e-9)


def _range(ordered: Sequence[float]) -> tuple[float, float]:
    """Return the best and the worst value to show, the smaller the better; a few wild ones stay beyond."""
    low, high = ordered[0], ordered[-1]
    if len(ordered) > _ALL_SHOWN:
        high = max(quantile(ordered, _SHOWN_SHARE), quantile(ordered, 0.5))
    return (low, high) if low < high else (low, ordered[-1])


def _vertical(low: float, high: float, bottom: float, top: float) -> Scale:
    """Return the axis of values, with some air at both ends."""
    if low > 0 and high / low >= _LOGARITHMIC_FROM:
        air = (high / low) ** 0.05
        return Scale(low / air, high * air, bottom, top, logarithmic=True)
    air = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    return Scale(low - air, high + air, bottom, top)


def _of_state(trials: Iterable[FinishedTrial], state: str) -> Iterable[tuple[FinishedTrial, float]]:
    for trial in trials:
        value = _finite(trial.value)
        if trial.state == state and value is not None:
            yield trial, value


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _dots(places: Iterable[tuple[float, float]]) -> str:
    """Return a path of dots, drawn by its round line ends.

    Those that would cover each other are drawn once.
    """
    seen = dict.fromkeys((round(x), round(y)) for x, y in places)
    return "".join(f"M{x} {y}h0" for x, y in seen)


def _stairs(places: Sequence[tuple[float, float]], end: float) -> str:
    if not places:
        return ""
    first, *others = places
    return f"M{first[0]:.1f} {first[1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in others) + f"H{end:.1f}"
