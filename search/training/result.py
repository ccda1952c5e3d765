"""The result of a training: one rule for all that a `fit`, or a Tuner's `run_trial`, may return."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner
import numpy as np

from studyhall.search.training.account import (
    Account,
    UnknownMetricError,
    improves,
    require_number,
    require_numeric,
)
from studyhall.search.training.logs import LogValue, log_value, log_values

FORMS = "a History, a dictionary or a number"  # that a `fit` may return


@dataclass(frozen=True)
class Objective:
    """One thing that a training is judged by; `direction` is "minimize" or "maximize"."""

    metric: str
    direction: str


@dataclass(frozen=True)
class Result:
    """What a training, or the executions of a trial, came to.

    `values` are those of the objectives, in their order; `metrics` holds all single numbers that are known of
    the model in question; `best_epoch` counts from 1, or is None where no epoch stands for the result;
    `history` has an entry for each epoch, or is None where nothing was heard of epochs.
    """

    values: list[float]
    metrics: dict[str, float]
    best_epoch: int | None
    history: dict[str, list[Any]] | None


def result_of(returned: Any, objectives: Sequence[Objective], function: str, forms: str = FORMS) -> Result:
    """Return what a function returned as a result.

    Args:
        returned: A `keras.callbacks.History`, a dictionary of metrics, or a number, which is the only
            objective's.
        objectives: The most important first.
        function: The name of what returned it, for the error.
        forms: What it may return, for the error.

    Raises:
        keras_tuner.errors.FatalTypeError: It is none of these.
        UnknownMetricError: It lacks an objective, or has several values of one.
    """
    names = [each.metric for each in objectives]
    if isinstance(returned, keras.callbacks.History):
        returned = dict(returned.history)
        return _of_history(returned, objectives, function)
    if isinstance(returned, Mapping):
        if is_history(returned):
            return _of_history(returned, objectives, function)
        for name in names:
            require_numeric(name, returned, function)
        metrics = log_values(returned)
        return Result(_required(names, metrics, function), _numbers(metrics), None, None)
    if returned is None or isinstance(returned, bool):
        raise keras_tuner.errors.FatalTypeError(
            f"{function} returned {returned}. Did you forget to return the metrics: {forms}?"
        )
    number = log_value(returned) if isinstance(returned, int | float | np.generic | np.ndarray) else None
    if number is None and keras.ops.is_tensor(returned):
        number = log_value(returned)
    if not isinstance(number, float):
        raise keras_tuner.errors.FatalTypeError(
            f"Expected the return value of {function} to be one of {forms}; it returned a {type(returned).__name__}."
        )
    if len(names) > 1:
        raise keras_tuner.errors.FatalTypeError(
            f"{function} returned one number for {len(names)} objectives; return a dictionary of {', '.join(names)}."
        )
    return Result([number], {names[0]: number}, None, None)


def result_of_training(
    returned: Any, account: Account, objectives: Sequence[Objective], function: str
) -> tuple[Result, bool]:
    """Return the result of a training that an account heard of, and whether its best epoch counts.

    What `fit` returned counts. A History stands for the whole training, all its fits together, and so do its
    lists, the value of any epoch but the last, and nothing at all. Another dictionary or number stands for
    the model as `fit` left it.

    Args:
        returned: What `fit` returned.
        account: Heard of its epochs.
        objectives: The most important first.
        function: The name of `fit`, for the error.

    Raises:
        keras_tuner.errors.FatalTypeError: It is nothing that can be a result.
        UnknownMetricError: It lacks an objective, or has several values of one.
    """
    if returned is None or isinstance(returned, keras.callbacks.History) or _repeats(returned, account):
        if not account.epochs and returned is None:
            raise keras_tuner.errors.FatalTypeError(
                f"{function} reported no epoch and returned None: pass its `callbacks` on to model.fit(), and return the "
                "History."
            )
        if not account.epochs:
            raise keras_tuner.errors.FatalTypeError(
                f"{function} reported no epoch: pass its `callbacks` on to model.fit()."
            )
        if account.best is None or account.best_epoch is None:
            account.require_objectives(account.epochs[-1])
            raise UnknownMetricError(f"no epoch reports all of {', '.join(account.metrics)}")
        best = _numbers(account.best)
        return Result(
            [best[name] for name in account.metrics], best, account.best_epoch, account.history
        ), True
    result = result_of(returned, objectives, function)
    history = account.history or None
    if account.best_epoch is not None and _is_an_epochs(result.values[0], account):
        best = _numbers(account.best or {})
        values = [best[name] for name in account.metrics]
        return Result(values, result.metrics | best, account.best_epoch, history), True
    return Result(result.values, result.metrics, None, history or result.history), False


def _repeats(returned: Any, account: Account) -> bool:
    """Whether a dictionary holds lists of what epochs reported, as `history.history` does."""
    if not is_history(returned, arrays=True) or account.best is None:
        return False
    reported = [each.get(account.metrics[0]) for each in account.epochs]
    return all(log_value(value) in reported for value in returned.get(account.metrics[0], (None,)))


def _is_an_epochs(value: float, account: Account) -> bool:
    """Whether a value is that of the best epoch, or of another one but the last, whose model nobody has."""
    if account.value is not None and math.isclose(value, account.value, rel_tol=1e-6):
        return True
    reported = [each.get(account.metrics[0]) for each in account.epochs]
    if reported and isinstance(reported[-1], float) and math.isclose(value, reported[-1], rel_tol=1e-6):
        return False
    return any(isinstance(each, float) and each == value for each in reported)


def is_history(returned: Any, *, arrays: bool = False) -> bool:
    """Whether something is a dictionary with a list for each name, as `history.history` is.

    With `arrays`, the entries may be vectors.
    """
    if not isinstance(returned, Mapping) or not returned:
        return False
    return all(
        isinstance(values, list)
        or (arrays and isinstance(values, np.ndarray) and values.ndim == 1 and values.size > 1)
        for values in returned.values()
    )


def _of_history(history: Mapping[str, Any], objectives: Sequence[Objective], function: str) -> Result:
    names = [each.metric for each in objectives]
    columns: dict[str, list[LogValue | None]] = {
        name: [log_value(value) for value in values] for name, values in history.items()
    }
    best: int | None = None
    for epoch, rank in enumerate(columns.get(names[0], ())):
        complete = all(isinstance(_at(columns.get(name, ()), epoch), float) for name in names)
        held = None if best is None else columns[names[0]][best]
        if complete and improves(rank, held, objectives[0].direction):  # type: ignore[arg-type]
            best = epoch
    if best is None:
        for name in names:
            require_numeric(name, {key: values[-1] for key, values in history.items() if values}, function)
        last = {name: values[-1] for name, values in columns.items() if values}
        _required(names, last, function)
        raise UnknownMetricError(
            f"{function} returned a History in which no epoch has all of {', '.join(names)}"
        )
    metrics = _numbers({name: _at(values, best) for name, values in columns.items()})
    return Result([metrics[name] for name in names], metrics, best + 1, columns)


def _at(values: Sequence[LogValue | None], epoch: int) -> LogValue | None:
    return values[epoch] if epoch < len(values) else None


def _required(names: Sequence[str], metrics: Mapping[str, Any], function: str) -> list[float]:
    for name in names:
        if name not in metrics:
            raise UnknownMetricError(
                f"{function} returned no '{name}', which is the objective; it returned: {', '.join(metrics)}"
            )
    return [require_number(name, metrics[name], metrics) for name in names]


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if isinstance(value, float)}
