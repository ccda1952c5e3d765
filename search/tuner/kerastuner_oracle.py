"""How KerasTuner's tuners are called: with an oracle, and with arguments that mean nothing here."""

import functools
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import keras_tuner
from keras_tuner import oracles
from keras_tuner.src.engine import objective as kinds

from studyhall.did_you_mean import did_you_mean
from studyhall.search.tuner.algorithms import bayesian_optimization, grid_search, hyperband, random_search
from studyhall.search.tuner.errors import ArgumentValueError
from studyhall.search.tuner.script_definition import OracleSeed

_AFTER_ORACLE = tuple(inspect.signature(keras_tuner.Tuner).parameters)[1:]  # in KerasTuner's order

_Self = TypeVar("_Self")
_P = ParamSpec("_P")


def called_as_in_kerastuner(
    init: Callable[Concatenate[_Self, _P], None],
) -> Callable[Concatenate[_Self, _P], None]:
    """Have a Tuner's constructor take `oracle=` and `logger=`, and refuse what it does not know in a line.

    KerasTuner's `Tuner(oracle, hypermodel, ...)` has the oracle first, ours the model: the type tells which.
    """
    known = tuple(inspect.signature(init).parameters)[1:]

    @functools.wraps(init)
    def taking(self: _Self, *args: Any, **kwargs: Any) -> None:
        oracle = kwargs.pop("oracle", None)
        if args and isinstance(args[0], keras_tuner.Oracle):
            oracle, *rest = args
            args, kwargs = (), {**dict(zip(_AFTER_ORACLE, rest, strict=False)), **kwargs}
        if kwargs.pop("logger", None) is not None:
            warnings.warn("logger is ignored, as in KerasTuner: the study records all", DeprecationWarning, 3)
        _require_known(kwargs, known)
        if oracle is not None:
            kwargs = {**arguments_of(oracle), **kwargs}
        init(self, *args, **kwargs)

    return cast(Callable[Concatenate[_Self, _P], None], taking)


def arguments_of(oracle: Any) -> dict[str, Any]:
    """Return the arguments of a Tuner that searches as one of KerasTuner's oracles would.

    Raises:
        ArgumentValueError: It is no oracle, or one of the user's own.
    """
    if not isinstance(oracle, keras_tuner.Oracle):
        raise ArgumentValueError(
            f"Expected `oracle` argument to be an instance of `Oracle`, not of {type(oracle).__name__}"
        )
    given = {
        "objective": _objective(oracle.objective),
        "hyperparameters": oracle.hyperparameters if oracle.hyperparameters.space else None,
        "tune_new_entries": oracle.tune_new_entries,
        "allow_new_entries": oracle.allow_new_entries,
        "max_retries_per_trial": oracle.max_retries_per_trial,
        "max_consecutive_failed_trials": oracle.max_consecutive_failed_trials,
        "max_trials": oracle.max_trials,
        "seed": OracleSeed(oracle.seed),
    }
    return given | _algorithm(oracle)


def _algorithm(oracle: Any) -> dict[str, Any]:
    match type(oracle):
        case oracles.RandomSearchOracle:
            return random_search()
        case oracles.GridSearchOracle:
            return grid_search()
        case oracles.BayesianOptimizationOracle:
            return bayesian_optimization(oracle.num_initial_points, oracle.alpha, oracle.beta)
        case oracles.HyperbandOracle:
            return hyperband(oracle.max_epochs, oracle.factor, oracle.hyperband_iterations)
    raise ArgumentValueError(
        f"oracle is a {type(oracle).__name__} of your own, which cannot hand out the trials of a shared study: "
        'name one of Optuna\'s samplers, as in Tuner(sampler="tpe")'
    )


def _objective(objective: Any) -> Any:
    if isinstance(objective, kinds.MultiObjective):
        return list(objective.objectives)
    return None if isinstance(objective, kinds.DefaultObjective) else objective


def _require_known(given: Mapping[str, Any], known: Iterable[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        hints = "; ".join(did_you_mean(name, known) for name in unknown)
        raise ArgumentValueError(f"Unrecognized arguments {unknown}: {hints}")
