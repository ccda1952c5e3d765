"""The objective of a Tuner: KerasTuner's forms of it, and what the study and Optuna make of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.src.engine import objective as kinds

from studyhall.search.training.account import improves
from studyhall.search.training.result import Objective, Result, result_of
from studyhall.search.tuner.errors import ArgumentTypeError, ArgumentValueError
from studyhall.studies.definition.search_sections import PARAMETERS

_DIRECTIONS = {"min": "minimize", "max": "maximize"}
UNNAMED = (kinds.DefaultObjective().name,)  # the metrics of a study whose script names no objective


class FirstObjective(kinds.MultiObjective):  # type: ignore[misc]
    """Several objectives.

    Where one number must do, as for the best epoch and for "the best trial", the first decides.

    KerasTuner adds them up, whatever their units. In Optuna's hands they are several all the way.
    """

    def get_value(self, logs: Any) -> Any:
        """Return the first objective's value, the smaller the better."""
        first = self.objectives[0]
        return logs[first.name] if first.direction == "min" else -logs[first.name]


def make_objective(objective: Any) -> kinds.Objective:
    """Return KerasTuner's object for any of its forms.

    Args:
        objective: A metric's name, a `keras_tuner.Objective`, a list of them, or None where `run_trial` or
            `fit` returns the one number to minimize.

    Raises:
        ArgumentValueError: Its name says nothing of its direction, or its direction is none.
        ArgumentTypeError: It is none of these.
    """
    if isinstance(objective, list | tuple):
        if not objective:
            raise ArgumentValueError("objective=[] names no metric: name at least one metric")
        if len(objective) == 1:
            return make_objective(objective[0])
        return FirstObjective([make_objective(each) for each in objective])
    if isinstance(objective, str) and objective == PARAMETERS:
        return keras_tuner.Objective(PARAMETERS, "min")
    try:
        made = kinds.create_objective(objective)
    except ValueError as error:
        raise ArgumentValueError(
            f"Could not infer optimization direction of objective {objective!r}: say which it is, with "
            f'keras_tuner.Objective({objective!r}, "min") or "max"'
        ) from error
    except TypeError as error:
        raise ArgumentTypeError(
            f"`objective` not understood, it is a {type(objective).__name__}: give a metric's name, a keras_tuner.Objective, "
            "or a list of them"
        ) from error
    if made.direction not in _DIRECTIONS:
        raise ArgumentValueError(
            f'the direction of objective {made.name!r} is {made.direction!r}: give "min" or "max"'
        )
    return made


def objective_of(metrics: Sequence[str], directions: Sequence[str]) -> kinds.Objective:
    """Return KerasTuner's object for the objectives of a study."""
    return make_objective(
        [
            keras_tuner.Objective(metric, direction.removesuffix("imize"))
            for metric, direction in zip(metrics, directions, strict=True)
        ]
    )


def single(objective: kinds.Objective) -> list[kinds.Objective]:
    """Return the objectives that it consists of, the most important first."""
    return list(getattr(objective, "objectives", [objective]))


def as_tables(objective: kinds.Objective) -> list[dict[str, str]]:
    """Return the objectives as a study's definition has them."""
    return [{"metric": each.name, "direction": _DIRECTIONS[each.direction]} for each in single(objective)]


def objectives_of(objective: kinds.Objective) -> tuple[Objective, ...]:
    """Return the objectives that it consists of, as training has them, the most important first."""
    return tuple(Objective(each.name, _DIRECTIONS[each.direction]) for each in single(objective))


def require_one_number(returned: Any, objective: kinds.Objective, function: str) -> None:
    """Refuse metrics by name where no objective says which of them counts, as KerasTuner does.

    Args:
        returned: What `fit` or `run_trial` returned.
        objective: The Tuner's.
        function: The name of what returned it, for the error.

    Raises:
        keras_tuner.errors.FatalTypeError: It holds metrics, and there is no objective.
    """
    if not isinstance(objective, kinds.DefaultObjective):
        return
    if isinstance(returned, keras.callbacks.History) or (
        isinstance(returned, Mapping) and objective.name not in returned
    ):
        raise keras_tuner.errors.FatalTypeError(
            f"Expected the return value of {function} to be a single float when `objective` is left unspecified; "
            f"it returned a {type(returned).__name__}: give the Tuner an objective=..., or return a number"
        )


def mean_result_of(returned: Any, objective: kinds.Objective, function: str) -> Result:
    """Return what `run_trial` returned as one result: of several executions, the mean.

    Args:
        returned: A `keras.callbacks.History`, a dictionary of metrics, a number, or a list of those.
        objective: The Tuner's.
        function: The name of what returned it, for the error.

    Returns:
        `metrics` holds the mean over the executions, each at its best epoch; `best_epoch` is their mean,
        rounded; `history` is that of the best execution.

    Raises:
        keras_tuner.errors.FatalTypeError: It is none of these.
        UnknownMetricError: It lacks an objective, or has several values of one.
    """
    executions = returned if isinstance(returned, list) else [returned]
    for each in executions:
        require_one_number(each, objective, function)
    if not executions:
        raise keras_tuner.errors.FatalTypeError(
            f"{function} returned an empty list; return one result at least."
        )
    objectives = objectives_of(objective)
    forms = "a History, a dictionary, a number, or a list of them"
    results = [result_of(each, objectives, function, forms) for each in executions]
    names = dict.fromkeys(name for result in results for name in result.metrics)
    metrics = {
        name: float(np.mean([result.metrics[name] for result in results if name in result.metrics]))
        for name in names
    }
    epochs = [result.best_epoch for result in results if result.best_epoch is not None]
    best = results[0]
    for result in results[1:]:
        if improves(result.values[0], best.values[0], objectives[0].direction):
            best = result
    return Result(
        [metrics[each.metric] for each in objectives],
        metrics,
        round(float(np.mean(epochs))) if epochs else None,
        best.history,
    )
