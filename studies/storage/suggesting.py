"""A running trial's hyperparameters: what was asked of it, and what its sampler proposes."""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
)
from optuna.trial import Trial

from studyhall.studies.database.attributes import START
from studyhall.studies.storage.drawing import draw
from studyhall.studies.storage.leased_storage import LeasedStorage
from studyhall.studies.values import Value


def start_of(trial: Trial) -> Mapping[str, Any]:
    """Return where the trial's hyperparameters come from before a sampler is asked.

    It is {"defaults": True}, {"values": {name: value}}, or {} for a trial that is the sampler's.
    """
    attributes = trial.storage.get_trial_system_attrs(trial._trial_id)
    return dict(attributes.get(START, {}))


def suggest_value(
    trial: Trial, name: str, distribution: BaseDistribution, value: Value | None = None
) -> Value:
    """Return the trial's value for a parameter, and store it.

    A value that is drawn leads to a configuration that no other trial has, unless the study repeats them. One
    that somebody asks for may repeat another trial's.

    Args:
        trial: A running trial.
        name: The parameter's name in Optuna.
        distribution: What the value is drawn from.
        value: What to take instead of a draw. A value that the trial holds already comes before it, even one
            that the distribution does not have any more.

    Raises:
        ValueError: The value is none of the distribution's, or the trial or study knows the name by another
            distribution.
        RepeatedConfigurationError: Any draw would repeat another trial's configuration.
    """
    if (known := trial.distributions.get(name)) is not None:
        # Not Optuna's way, which warns of another range; whether the value is in it, the caller sees.
        check_distribution_compatibility(known, distribution)
        held: Value = trial.params[name]
        return held
    if value is not None:
        # As for a trial of Optuna's own queue, whose values are in the same place.
        trial._fixed_params = {**trial._fixed_params, name: _canonical(name, distribution, value)}
    elif isinstance(trial.storage, LeasedStorage):
        return draw(trial, name, distribution, lambda: _ask(trial, name, distribution))
    return _ask(trial, name, distribution)


def _ask(trial: Trial, name: str, distribution: BaseDistribution) -> Value:
    match distribution:
        case FloatDistribution():
            return trial.suggest_float(
                name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
            )
        case IntDistribution():
            return trial.suggest_int(
                name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
            )
        case CategoricalDistribution():
            return trial.suggest_categorical(name, distribution.choices)  # type: ignore[return-value]
    raise ValueError(f"{name!r} is drawn from {distribution!r}, which trials do not offer")


def _canonical(name: str, distribution: BaseDistribution, value: Value) -> Any:
    """Return the value as the distribution will give it back when the trial is read again."""
    outside = f"{value!r} for {name!r} is not in {distribution!r}"
    try:
        internal = distribution.to_internal_repr(value)
    except ValueError as error:  # no number, or no choice
        raise ValueError(outside) from error
    if not distribution._contains(internal):
        raise ValueError(outside)
    return distribution.to_external_repr(internal)
