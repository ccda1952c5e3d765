"""Configurations that ran out of memory, shown to samplers as bad ones, so that they avoid them."""

import copy
from collections.abc import Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from studyhall.studies.space.configurations import ran_out_of_memory


def as_samplers_see(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> list[FrozenTrial]:
    """Return trials, those that ran out of memory as complete and as bad as the worst.

    Where no trial completed, there is no worst one, and they are shown as pruned.

    Optuna's samplers ignore failed trials, and would propose again what cannot be trained. A configuration
    that ran out of memory before it had the parameters that all others have stays a failure, for samplers
    model no more than the parameters that all trials share.
    """
    failed = {each.number for each in trials if ran_out_of_memory(each)}
    if not failed:
        return list(trials)
    ended = [each for each in trials if each.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    shared = set[str].intersection(*(set(each.params) for each in ended)) if ended else set[str]()
    complete = [each.values for each in trials if each.state is TrialState.COMPLETE]
    worst = [
        (max if direction is StudyDirection.MINIMIZE else min)(values)
        for direction, values in zip(directions, zip(*complete, strict=True), strict=False)
    ]
    return [
        _shown(each, worst) if each.number in failed and shared <= each.params.keys() else each
        for each in trials
    ]


def _shown(trial: FrozenTrial, worst: Sequence[float]) -> FrozenTrial:
    shown = copy.copy(trial)
    shown.state = TrialState.COMPLETE if worst else TrialState.PRUNED
    shown.values = list(worst) or None
    shown.intermediate_values = {}  # no pruner compares with them
    return shown
