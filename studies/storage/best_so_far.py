"""Learning curves by the best value so far.

A trial's result is that of its best epoch, so at every epoch it is judged by its best one until then.
"""

import copy
import math
from collections.abc import Iterable, Mapping

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState


def best_of(values: Iterable[float], direction: StudyDirection) -> float | None:
    """Return the best finite one of some values; None where there is none."""
    best = max if direction is StudyDirection.MAXIMIZE else min
    return best((value for value in values if math.isfinite(value)), default=None)


def result_of(trial: FrozenTrial, direction: StudyDirection) -> float | None:
    """Return what a trial that has ended came to, by the first objective; None where it came to nothing.

    For a pruned one that is the best it had reached. Databases of before know its last value alone, beside
    the curve.

    Args:
        trial: The trial.
        direction: That of the first objective.
    """
    if trial.state is TrialState.COMPLETE:
        return float(trial.values[0])
    if trial.state is not TrialState.PRUNED:
        return None
    return best_of([*(trial.values or ())[:1], *trial.intermediate_values.values()], direction)


def so_far(curve: Mapping[int, float], direction: StudyDirection) -> dict[int, float]:
    """Return a learning curve with the best value up to each step; a step without a number stays so."""
    better = max if direction is StudyDirection.MAXIMIZE else min
    best = math.nan
    found = {}
    for step in sorted(curve):
        value = curve[step]
        if not math.isnan(value):
            best = value if math.isnan(best) else better(best, value)
            value = best
        found[step] = value
    return found


def as_judged(trial: FrozenTrial, direction: StudyDirection) -> FrozenTrial:
    """Return a trial whose value at each step is the best up to it; itself if that changes nothing."""
    if not trial.intermediate_values:  # as of the many that wait
        return trial
    curve = so_far(trial.intermediate_values, direction)
    if curve == trial.intermediate_values:
        return trial
    judged = copy.copy(trial)
    judged.intermediate_values = curve
    return judged


def as_paused(trial: FrozenTrial, direction: StudyDirection, first_rung: int) -> FrozenTrial:
    """Return a trial that has reached a rung as one that was pruned where it is; itself if it has not.

    What it has shown is as good to learn from, whether it goes on one day or not.

    Args:
        trial: The trial.
        direction: That of the objective.
        first_rung: The epochs of the first rung.
    """
    if trial.state.is_finished() or (trial.last_step or 0) < first_rung:
        return trial
    seen = copy.copy(trial)
    best = best_of(trial.intermediate_values.values(), direction)
    seen.state, seen.values = TrialState.PRUNED, None if best is None else [best]
    seen.datetime_complete = trial.datetime_start
    return seen
