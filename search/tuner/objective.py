"""The objective of a Tuner: KerasTuner's forms of it, and what the study and Optuna make of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.src.engine import objective as kinds

from studyhall.search.training.callbacks import improves
from studyhall.studies.errors import UserCodeError
from studyhall.studies.search_sections import PARAMETERS

_DIRECTIONS = {"min": "minimize", "max": "maximize"}


class FirstObjective(kinds.MultiObjective):  # type: ignore[misc]
    """Several objectives; where one number must do, as for the best epoch and for "the best trial", the first decides.

    KerasTuner adds them up, whatever their units. In Optuna's hands they are several all the way.
    """

    def get_value(self, logs: Any) -> Any:
        """Return the first objective's value, the smaller the better."""
        first = self.objectives[0]
        return logs[first.name] if first.direction == "min" else -logs[first.name]


def make_objective(objective: Any) -> kinds.Objective:
    """Return KerasTuner's object for any of its forms.

    Args:
        objective: a metric's name, a `keras_tuner.Objective`, a list of them, or None where `run_trial` or `fit`
            returns the one number to minimize.

    Raises:
        UserCodeError: it is none of these, or a name that says nothing of its direction.
    """
    if isinstance(objective, list | tuple):
        if not objective:
            raise UserCodeError("objective=[] judges trials by nothing: name at least one metric")
        if len(objective) == 1:
            return make_objective(objective[0])
        return FirstObjective([make_objective(each) for each in objective])
    if isinstance(objective, str) and objective == PARAMETERS:
        return keras_tuner.Objective(PARAMETERS, "min")
    try:
        return kinds.create_objective(objective)
    except ValueError as error:
        raise UserCodeError(
            f"objective {objective!r} may be to minimize or to maximize: say which, with "
            f'keras_tuner.Objective({objective!r}, "min") or "max"'
        ) from error
    except TypeError as error:
        raise UserCodeError(
            f"objective is a {type(objective).__name__}: give a metric's name, a keras_tuner.Objective, or a list of them"
        ) from error


def single(objective: kinds.Objective) -> list[kinds.Objective]:
    """Return the objectives that it consists of, the most important first."""
    return list(getattr(objective, "objectives", [objective]))


def as_tables(objective: kinds.Objective) -> list[dict[str, str]]:
    """Return the objectives as a study's definition has them."""
    return [{"metric": each.name, "direction": _DIRECTIONS[each.direction]} for each in single(objective)]


@dataclass(frozen=True)
class Result:
    """What the executions of a trial came to.

    `metrics` holds the mean over the executions, each at its best epoch; `values` are those of the objectives, in their
    order; `best_epoch` counts from 1 and is the executions' mean, rounded, or None where no `History` tells; `history` is
    that of the best execution.
    """

    values: list[float]
    metrics: dict[str, float]
    best_epoch: int | None
    history: dict[str, list[float]] | None


def result_of(returned: Any, objective: kinds.Objective, function: str) -> Result:
    """Return what `run_trial` or `fit` returned as one result.

    Args:
        returned: a `keras.callbacks.History`, a dictionary of metrics, a number, or a list of those.
        objective: the Tuner's.
        function: the name of what returned it, for the error.

    Raises:
        keras_tuner.errors.FatalTypeError: it is none of these.
        keras_tuner.errors.FatalValueError: it lacks the objective.
    """
    executions = returned if isinstance(returned, list) else [returned]
    if not executions:
        raise keras_tuner.errors.FatalTypeError(
            f"{function} returned an empty list; return one result at least."
        )
    first = single(objective)[0]
    results = [_of_one(each, objective, function) for each in executions]
    names = dict.fromkeys(name for result in results for name in result.metrics)
    metrics = {
        name: float(np.mean([result.metrics[name] for result in results if name in result.metrics]))
        for name in names
    }
    epochs = [result.best_epoch for result in results if result.best_epoch is not None]
    best = results[0]
    for result in results[1:]:
        if improves(result.metrics[first.name], best.metrics[first.name], _DIRECTIONS[first.direction]):
            best = result
    return Result(
        [metrics[each.name] for each in single(objective)],
        metrics,
        round(float(np.mean(epochs))) if epochs else None,
        best.history,
    )


def _of_one(returned: Any, objective: kinds.Objective, function: str) -> Result:
    names = [each.name for each in single(objective)]
    best_epoch, history = None, None
    match returned:
        case bool() | None:
            raise keras_tuner.errors.FatalTypeError(
                f"{function} returned {returned}; return the metrics: a History, a dictionary or a number."
            )
        case int() | float() | np.number():
            if len(names) > 1:
                raise keras_tuner.errors.FatalTypeError(
                    f"{function} returned one number for {len(names)} objectives; return a dictionary of {', '.join(names)}."
                )
            metrics = {names[0]: float(returned)}
        case keras.callbacks.History():
            history = {name: [float(value) for value in values] for name, values in returned.history.items()}
            _require(names, history, function)
            best_epoch = _best_epoch(history[names[0]], single(objective)[0])
            metrics = {
                name: values[best_epoch - 1] for name, values in history.items() if len(values) >= best_epoch
            }
        case dict():
            _require(names, returned, function)
            metrics = {name: float(value) for name, value in returned.items()}
        case _:
            raise keras_tuner.errors.FatalTypeError(
                f"{function} returned a {type(returned).__name__}; return a History, a dictionary, a number, or a list of them."
            )
    return Result([metrics[name] for name in names], metrics, best_epoch, history)


def _require(names: Sequence[str], held: Any, function: str) -> None:
    for name in names:
        if name not in held:
            raise keras_tuner.errors.FatalValueError(
                f"{function} returned no '{name}', which is the objective; it returned: {', '.join(held)}."
            )


def _best_epoch(values: Sequence[float], objective: kinds.Objective) -> int:
    best = 0
    for epoch, value in enumerate(values):
        if objective.better_than(value, values[best]):
            best = epoch
    return best + 1
