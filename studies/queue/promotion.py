"""Which paused trial goes on: asynchronous successive halving, as a rule over what trials have reached.

A trial pauses at rungs: after so many epochs, and each next rung is a few times as far. Of the trials that
have reached a rung, the best one in a few goes on from there. As more reach it, more go on; so none waits for
others, and one that was behind comes back once there is room for it. That is the form of the method that
promotes: what is behind is not ended, as Optuna's pruner of that name does, but keeps its checkpoint.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """How a study's trials pause and go on.

    Attributes:
        epochs: Of each rung, in ascending order.
        factor: One in so many trials of a rung goes on.
        direction: Of the objective, "minimize" or "maximize".
        outlasts: Whether the study's budget goes on when its trials have all begun: it is one of epochs or
            hours.
        target: The value that ends the study when a complete trial has it; None without one.
    """

    epochs: Sequence[int]
    factor: int
    direction: str
    outlasts: bool = False
    target: float | None = None

    def is_good_enough(self, value: float | None) -> bool:
        """Whether a value is the target, or better."""
        if value is None or self.target is None:
            return False
        return value >= self.target if self.direction == "maximize" else value <= self.target


@dataclass(frozen=True)
class Reached:
    """That a trial has reached a rung.

    Attributes:
        trial_id: The trial.
        number: Its number in the study.
        rung: The index of the rung, from 0.
        value: The best that it had reported by then; None where that is no number, which is the worst.
        goes_on: Whether it was let go on from there.
        waits: Whether it waits in the queue.
    """

    trial_id: int
    number: int
    rung: int
    value: float | None
    goes_on: bool
    waits: bool

    @property
    def is_paused(self) -> bool:
        """Whether it waits at this rung until it may go on."""
        return self.waits and not self.goes_on


def next_up(reached: Iterable[Reached], rule: Rule, *, fresh: bool) -> Reached | None:
    """Return the paused trial that goes on next; None where none may.

    From the highest rung down, it is the best one that is paused among the best in each rung, one in so many
    of those that reached it. While no trial is left to begin, one of each rung may at least, so that a trial
    comes to its end; and where the budget outlasts the trials, every one, the best first.

    Args:
        reached: The rungs that the study's trials have reached, but for failed trials: they make room.
        rule: The study's.
        fresh: Whether a trial is left to begin.
    """
    by_rung: dict[int, list[Reached]] = defaultdict(list)
    for each in reached:
        by_rung[each.rung].append(each)
    for rung in sorted(by_rung, reverse=True):
        ranked = sorted(by_rung[rung], key=lambda each: _rank(each, rule))
        room = max(len(ranked) // rule.factor, 0 if fresh else 1)
        for each in ranked[:room]:
            if each.is_paused:
                return each
    if fresh or not rule.outlasts:
        return None
    paused = [each for rung in by_rung.values() for each in rung if each.is_paused]
    return min(paused, key=lambda each: (*_rank(each, rule)[:2], -each.rung, each.number), default=None)


def _rank(reached: Reached, rule: Rule) -> tuple[bool, float, int]:
    """Return what puts trials of a rung in order, the best first; of equals the earlier."""
    sign = -1 if rule.direction == "maximize" else 1
    return reached.value is None, sign * (reached.value or 0.0), reached.number
