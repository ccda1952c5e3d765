"""A study's trials as KerasTuner's `Trial` objects."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine import metrics_tracking
from keras_tuner.src.engine.objective import Objective
from optuna.trial import FrozenTrial, TrialState

from studyhall.search.bridge.scopes import NestingHyperParameters
from studyhall.search.tuner.objective import single
from studyhall.search.tuner.script_definition import id_digits
from studyhall.studies.database.attributes import (
    BEST_EPOCH,
    FAILURE,
    FIXED_HYPERPARAMETERS,
    HYPERPARAMETERS,
    METRICS,
    PRUNED_AFTER,
    REASON,
)
from studyhall.studies.study.study import Study

PRUNED = "PRUNED"  # a state that KerasTuner does not have

_STATUS = {
    TrialState.WAITING: TrialStatus.IDLE,
    TrialState.RUNNING: TrialStatus.RUNNING,
    TrialState.COMPLETE: TrialStatus.COMPLETED,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: TrialStatus.FAILED,
}


def begun_trials(study: Study) -> list[FrozenTrial]:
    """Return the trials of a study that somebody has begun, as Optuna has them."""
    states = [state for state in TrialState if state is not TrialState.WAITING]
    return study.optuna().get_trials(deepcopy=False, states=states)


class TrialsById(dict[str, Trial]):
    """Trials by their ids, which may be asked for with any number of zeros before them."""

    def __missing__(self, key: str) -> Trial:
        number = _number(key)
        for known, trial in self.items():
            if number is not None and int(known) == number:
                return trial
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or _number(key) in {int(known) for known in self}

    def get(self, key: str, default: Any = None) -> Any:
        """Return a trial, or the default."""
        try:
            return self[key]
        except KeyError:
            return default


def _number(key: object) -> int | None:
    return int(key) if isinstance(key, str) and key.isdecimal() else None


def trial_id(number: int, digits: int) -> str:
    """Return a trial's number as KerasTuner writes it: "007" with three digits."""
    return f"{number:0{digits}d}"


def ids_in_order(study: Study, *, of_ends: bool = False) -> list[str]:
    """Return the ids of a study's trials in the order of their starts, or of their ends so far."""
    digits, found = id_digits(study.definition), []
    for each in begun_trials(study):
        moment = each.datetime_complete if of_ends else each.datetime_start
        if moment is not None:
            found.append((moment, each.number))
    return [trial_id(number, digits) for _, number in sorted(found)]


def as_keras_tuner_trial(
    frozen: FrozenTrial, space: keras_tuner.HyperParameters, objective: Objective, digits: int
) -> Trial:
    """Return a trial of the study with its hyperparameters, metrics and score.

    A pruned one has those of its best epoch, too.

    Args:
        frozen: The trial, as Optuna has it.
        space: All hyperparameters that are known by now; those that the trial did not have are left without a
            value.
        objective: The Tuner's.
        digits: The least that the trial's id has.
    """
    facts = frozen.user_attrs
    trial = Trial(
        with_values(space, {**facts.get(HYPERPARAMETERS, {}), **facts.get(FIXED_HYPERPARAMETERS, {})}),
        trial_id=trial_id(frozen.number, digits),
        status=_STATUS[frozen.state],
        message=_message(frozen),
    )
    if frozen.state in (TrialState.COMPLETE, TrialState.PRUNED) and frozen.values:
        values = {each.name: value for each, value in zip(single(objective), frozen.values, strict=True)}
        trial.best_step = max(facts.get(BEST_EPOCH) or 1, 1) - 1  # KerasTuner counts from 0
        known = {name: math.nan if value is None else value for name, value in facts.get(METRICS, {}).items()}
        note_metrics(trial, known | values, objective)
        trial.score = objective.get_value(values)
    return trial


def _message(frozen: FrozenTrial) -> str | None:
    """Return what a summary of a trial says of its end; None where it trained to its end."""
    facts = frozen.user_attrs
    if FAILURE in facts:
        return f"{facts[FAILURE]}: {facts.get(REASON, '')}"
    if frozen.state is TrialState.PRUNED:
        return f"pruned after epoch {facts[PRUNED_AFTER]}" if PRUNED_AFTER in facts else "pruned"
    return f"ended by the pruner after epoch {facts[PRUNED_AFTER]}" if PRUNED_AFTER in facts else None


def ranked(trials: Iterable[Trial], objective: Objective) -> list[Trial]:
    """Return the trials that have a score, the best first, pruned ones behind complete ones as good."""
    sign = -1 if objective.direction == "max" else 1
    scored = [
        each for each in trials if each.status in (TrialStatus.COMPLETED, PRUNED) and each.score is not None
    ]
    return sorted(scored, key=lambda each: (sign * each.score, each.status == PRUNED))


def note_metrics(trial: Trial, metrics: Mapping[str, float], objective: Objective) -> None:
    """Write metrics into a KerasTuner trial."""
    directions = {each.name: each.direction for each in single(objective)}
    for name, value in metrics.items():
        if not trial.metrics.exists(name):
            direction = directions.get(name) or metrics_tracking.infer_metric_direction(name) or "min"
            trial.metrics.register(name, direction=direction)
        # Not by `trial.metrics.update`, which compares with the best so far, and warns where there are but
        # NaNs.
        trial.metrics.metrics[name].update(value, step=trial.best_step)


def with_values(space: keras_tuner.HyperParameters, values: Mapping[str, Any]) -> keras_tuner.HyperParameters:
    """Return plain hyperparameters with these values: `build(hp)` makes the trial's model of them.

    What the trial was not asked for, though it could have been, it does not know: code that was edited since
    gets its default.
    """
    config = space.get_config()
    known = [
        entry
        for entry, each in zip(config["space"], space.space, strict=True)
        if each.name in values or not all(condition.is_active(values) for condition in each.conditions)
    ]
    return NestingHyperParameters.from_config({"space": known, "values": dict(values)})
