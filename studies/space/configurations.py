"""The configurations of a study's trials: what tells two of them apart, and which of them count as tried."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from studyhall.studies.database.attributes import BEGUN, FAILURE, MODEL, START
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.values import Value

Key = Hashable
"""A parameter's value in a form that is the same for the same values, whatever sampler drew them."""

_DIGITS = 12  # of a stepped number; what float arithmetic may move it by lies below


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a trial tries, or has drawn of it so far.

    `points` and `distributions` are in the order in which the model asked for them. A trial that has `ended`
    asks for nothing more. `model` is that of `Limits`, None where nobody wrote it down.
    """

    number: int
    points: Mapping[str, Key]
    distributions: Mapping[str, BaseDistribution]
    ended: bool
    model: str | None = None


Tried = Callable[[FrozenTrial], Configuration | None]
"""Returns the configuration of a trial that is not to be drawn again; None where it may be."""


def tried_once(trial: FrozenTrial) -> Configuration | None:
    """Return a trial's configuration, which no other trial is to repeat; None where one may.

    Complete and pruned trials count, those that run or have to be continued, and those that failed: with the
    same configuration they would fail again. Not those whose workers vanished, those that other programs
    ended, and those that were refused the values that a person asked for. A trial without parameters counts
    if it was trained, for then its model asks for none.
    """
    if not trial.params and BEGUN not in trial.system_attrs:
        return None
    if trial.state is TrialState.FAIL:
        kind = trial.user_attrs.get(FAILURE)
        refused = kind == FailureKind.INVALID and "values" in trial.system_attrs.get(START, {})
        if kind in (None, FailureKind.LOST) or refused:
            return None
    return _configuration(trial)


def tried_as_far_as_paused(trial: FrozenTrial) -> Configuration | None:
    """Return what `tried_once` does, where trials pause.

    One that was trained and waits may never be trained further, so that nobody waits for what it draws.
    """
    found = tried_once(trial)
    is_paused = trial.state is TrialState.WAITING and bool(trial.intermediate_values)
    return replace(found, ended=True) if found is not None and is_paused else found


def out_of_memory_once(trial: FrozenTrial) -> Configuration | None:
    """Return the configuration of a trial that ran out of memory; of no other trial."""
    return _configuration(trial) if ran_out_of_memory(trial) and trial.params else None


def ran_out_of_memory(trial: FrozenTrial) -> bool:
    """Whether a trial failed because it did."""
    return trial.state is TrialState.FAIL and trial.user_attrs.get(FAILURE) == FailureKind.OOM


def _configuration(trial: FrozenTrial) -> Configuration:
    points = {name: key_of(trial.distributions[name], value) for name, value in trial.params.items()}
    model = trial.system_attrs.get(MODEL)
    return Configuration(trial.number, points, trial.distributions, trial.state.is_finished(), model)


def key_of(distribution: BaseDistribution, value: Any) -> Key:
    """Return the key of one of a distribution's values, in Optuna's external representation."""
    match distribution:
        case CategoricalDistribution():
            return int(distribution.to_internal_repr(value))
        case IntDistribution():
            return int(value)
        case FloatDistribution(step=float() as step, low=low):
            return _stepped(low, step, round((value - low) / step))
    return float(value)


def size_of(distribution: BaseDistribution) -> int | None:
    """Return how many values a distribution has; None where it is continuous."""
    match distribution:
        case CategoricalDistribution(choices=choices):
            return len(choices)
        case IntDistribution(low=low, high=high, step=step):
            return (high - low) // step + 1
        case FloatDistribution(low=low, high=high, step=float() as step):
            return round((high - low) / step) + 1
    return 1 if distribution.single() else None


def is_drawn_once(distribution: BaseDistribution, value: Any) -> bool:
    """Whether no two trials draw a value by accident: it lies inside a continuous range.

    Samplers cut off at the ends, which are therefore drawn again and again.
    """
    if not isinstance(distribution, FloatDistribution) or distribution.step is not None:
        return False
    return bool(distribution.low < value < distribution.high)


def values_of(distribution: BaseDistribution) -> Sequence[Value]:
    """Return all values of a distribution that is not continuous."""
    match distribution:
        case CategoricalDistribution(choices=choices):
            return choices  # type: ignore[return-value]  # KerasTuner has no choice None
        case IntDistribution(low=low, high=high, step=step):
            return range(low, high + 1, step)
        case FloatDistribution(low=low, step=float() as step):
            return [_stepped(low, step, index) for index in range(size_of(distribution) or 0)]
        case FloatDistribution(low=low) if distribution.single():
            return [low]
    raise ValueError(f"{distribution!r} is continuous")


def _stepped(low: float, step: float, index: int) -> float:
    return float(f"{low + index * step:.{_DIGITS}g}")
