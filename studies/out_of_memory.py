"""Configurations that ran out of memory: samplers see that they are bad, and draw none of them again."""

import copy
from collections.abc import Iterator, Sequence

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GridSampler, PartialFixedSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from studyhall.studies.attributes import FAILURE
from studyhall.studies.errors import RepeatedConfigurationError
from studyhall.studies.section import Value

OUT_OF_MEMORY = "oom"
"""The kind of failure of a trial that ran out of memory."""

_DRAWS = 1000  # until a parameter is taken to have no other value
# They say what the values are, so that none is drawn beside them.
_FIXED = (GridSampler, PartialFixedSampler)


def ran_out_of_memory(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that did."""
    return [
        each
        for each in trials
        if each.state is TrialState.FAIL and each.user_attrs.get(FAILURE) == OUT_OF_MEMORY
    ]


def as_samplers_see(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> list[FrozenTrial]:
    """Return trials with those that ran out of memory as complete ones, as bad as the worst; without any, as pruned.

    Optuna's samplers ignore failed trials, and would propose again what cannot be trained. A configuration that ran out of memory before it
    had the parameters that all others have stays a failure, for samplers model no more than the parameters that all trials share.
    """
    failed = {each.number for each in ran_out_of_memory(trials)}
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


def other_value(
    trial: Trial, name: str, distribution: BaseDistribution, failed: Sequence[FrozenTrial]
) -> Value | None:
    """Return a value for a parameter that repeats no configuration; None where any value will do.

    A parameter that the model asks for last decides whether a configuration is another one's. What a model asks for next follows from what it
    has, so parameters that are all those of a trial that failed are always the same configuration, and fail at the same place.

    Args:
        trial: The running trial.
        name: The parameter's name.
        distribution: What the value is drawn from.
        failed: The trials that ran out of memory.

    Raises:
        RepeatedConfigurationError: The sampler, or the parameter, has no other value.
    """
    held = trial.params if failed else {}
    if name in held:
        return None
    repeated = {
        each.params[name]: each.number
        for each in failed
        if name in each.params and {key: value for key, value in each.params.items() if key != name} == held
    }
    if not repeated:
        return None
    for value in _proposals(trial, name, distribution):
        if value not in repeated:
            return value
    raise RepeatedConfigurationError(
        f"it would repeat the configuration of trial {min(repeated.values())}, which ran out of memory, and '{name}' has no "
        "other value to take"
    )


def _proposals(trial: Trial, name: str, distribution: BaseDistribution) -> Iterator[Value]:
    sampler: BaseSampler = trial.study.sampler
    frozen = trial.storage.get_trial(trial._trial_id)
    if not distribution.single():
        yield sampler.sample_independent(trial.study, frozen, name, distribution)
    if isinstance(sampler, _FIXED):
        return
    others = RandomSampler(seed=trial.number)
    for _ in range(_DRAWS):
        yield others.sample_independent(trial.study, frozen, name, distribution)
