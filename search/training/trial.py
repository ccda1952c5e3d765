"""One trial: build the network that its hyperparameters describe, train it, and say how it ended."""

import math
import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.hyperparameters import Fixed

from studyhall.models.errors import ConfigurationError
from studyhall.search.bridge.handle import TrialHandle
from studyhall.search.bridge.hyperparameters import TrialHyperParameters, recorded_values
from studyhall.search.devices import setup as device_setup
from studyhall.search.one_line import reason
from studyhall.search.training import provenance, resident
from studyhall.search.training.callbacks import (
    Admission,
    NotFiniteError,
    Report,
    StopRequestedError,
    TrialPrunedError,
    UnknownMetricError,
    Watch,
)
from studyhall.search.training.failures import kind_of
from studyhall.search.training.fit import Checkpoints, Fitted, TrainingPlan, batches_on_device, fit
from studyhall.search.training.outcome import Completed, Failed, FailureKind, HandedBack, Pruned, TrialOutcome
from studyhall.search.training.trial_files import show_files
from studyhall.search.training.warm_start import unknown_values
from studyhall.search.user.errors import user_traceback
from studyhall.search.user.examples import Examples, arguments_for, known_batch_size
from studyhall.search.user.workload import Workload, ensure_built, parameter_count
from studyhall.studies.definition import Definition
from studyhall.studies.errors import (
    DefinitionError,
    RepeatedConfigurationError,
    StudyhallError,
    UserCodeError,
)
from studyhall.studies.search_sections import PARAMETERS


def run_trial(
    handle: TrialHandle,
    definition: Definition,
    workload: Workload,
    scratch: Path,
    resume_from: Path | None = None,
) -> TrialOutcome:
    """Train one trial and return how it ended; facts about it are recorded through the handle.

    Args:
        handle: the trial.
        definition: its study's definition.
        workload: the HyperModel and the data that the definition names.
        scratch: an existing folder of the trial's own; the best epoch's model is left there as `model.keras`.
        resume_from: the checkpoint of the last epoch that was finished elsewhere, or None for a fresh trial.

    Raises:
        UserCodeError: the fault is the study's, not the trial's: it must not be tried with other hyperparameters.
    """
    keras.utils.clear_session(free_memory=True)
    keras.utils.set_random_seed(handle.seed)
    hp = TrialHyperParameters(handle)
    started = time.perf_counter()
    try:
        model = workload.hypermodel.build(hp)
        if not isinstance(model, keras.Model):
            raise UserCodeError(
                f"{definition.hypermodel.path} must return a keras.Model from build(hp), not {type(model).__name__}"
            )
        examples = workload.examples(hp)
        if unknown := unknown_values(hp, workload.hypermodel):
            return Failed(
                FailureKind.INVALID, f"it was queued with {', '.join(unknown)}, unknown to the HyperModel"
            )
        ensure_built(model, examples)
        device_setup.use_compilation(model)
        record_start(handle, hp, model, definition, examples)
        together = batches_on_device(workload.hypermodel, model, examples.train, examples.validation)
        for key, value in resident.facts(together).items():
            handle.record(key, value)
        fitted = fit(
            workload.hypermodel,
            hp,
            model,
            examples.train,
            examples.validation,
            trial_plan(definition),
            [Admission(handle), Watch(handle), Report(handle, definition.objective.metric)],
            Checkpoints(resume_from, handle.checkpoint, scratch),
            **arguments_for(workload.hypermodel, examples),
        )
    except TrialPrunedError as pruned:
        handle.record("epochs", pruned.epoch)
        handle.record("seconds", round(time.perf_counter() - started, 3))
        return Pruned(pruned.epoch)
    except StopRequestedError as stopped:
        return HandedBack(stopped.epochs)
    except NotFiniteError as error:
        return Failed(FailureKind.NAN, str(error))
    except (
        ConfigurationError,
        DefinitionError,
        RepeatedConfigurationError,
        keras_tuner.errors.FailedTrialError,
    ) as error:
        return Failed(FailureKind.INVALID, str(error))
    except UnknownMetricError as error:
        raise UserCodeError(f"{error}; set objective.metric to one of them") from error
    except keras_tuner.errors.FatalError as error:
        raise UserCodeError(f"{definition.hypermodel.path} ended the search: {error}") from error
    except StudyhallError:
        raise
    except Exception as error:  # noqa: BLE001 - a user's code may raise anything; the trial alone fails
        details = user_traceback(error, definition.folder)
        return Failed(kind_of(error), f"{type(error).__name__}: {reason(error)}", details)
    record_end(handle, hp, fitted, definition, known_batch_size(workload.hypermodel, examples))
    others = other_values(definition, fitted, model)
    if not all(map(math.isfinite, others)):
        return Failed(FailureKind.NAN, f"{', '.join(definition.metrics[1:])}: {others} at the best epoch")
    model.set_weights(fitted.weights)
    saved = save_model(model, scratch) if handle.keeps(fitted.value) else None
    show_files(handle, definition, model, examples, fitted.history)
    return Completed(fitted.value, fitted.best_epoch, saved, others)


def other_values(definition: Definition, fitted: Fitted, model: Any) -> tuple[float, ...]:
    """Return the values of all objectives but the first, at the epoch that is the best by the first.

    Raises:
        UserCodeError: training does not report one of them.
    """
    for metric in definition.metrics[1:]:
        if metric != PARAMETERS and metric not in fitted.history:
            raise UserCodeError(
                f"training reports no '{metric}'; it reports: {', '.join(sorted(fitted.history))}; set objective.metric "
                "to one of them"
            )
    return tuple(
        float(parameter_count(model))
        if metric == PARAMETERS
        else fitted.history[metric][fitted.best_epoch - 1]
        for metric in definition.metrics[1:]
    )


def trial_plan(definition: Definition) -> TrainingPlan:
    """The plan of a trial's fit, from its definition."""
    training = definition.training
    return TrainingPlan(
        metric=definition.objective.metric,
        direction=definition.objective.direction,
        epochs=training.epochs,
        early_stopping=training.early_stopping or None,
        plateau=training.reduce_learning_rate or None,
    )


def save_model(model: Any, scratch: Path) -> Path:
    """Write a model to `scratch / "model.keras"` and return that path."""
    path = scratch / "model.keras"
    model.save(path)
    return path


def record_start(
    handle: TrialHandle,
    hp: TrialHyperParameters,
    model: Any,
    definition: Definition,
    examples: Examples,
) -> None:
    """Record what is known before the first batch."""
    facts = values_of(hp) | {
        "seed": handle.seed,
        "parameters": parameter_count(model),
        **provenance.facts(definition.folder),
        **device_setup.facts(model),
        "data_fingerprint": examples.fingerprint,
    }
    for key, value in facts.items():
        handle.record(key, value)


def values_of(hp: TrialHyperParameters) -> dict[str, Any]:
    """The hyperparameters to record: those that are tuned rebuild the model, the fixed ones are for people."""
    fixed = {each.name for each in hp.space if isinstance(each, Fixed)}
    values = recorded_values(hp)
    return {
        "hyperparameters": {name: value for name, value in values.items() if name not in fixed},
        "fixed_hyperparameters": {name: value for name, value in values.items() if name in fixed},
    }


def record_end(
    handle: TrialHandle,
    hp: TrialHyperParameters,
    fitted: Fitted,
    definition: Definition,
    batch_size: int | None,
) -> None:
    """Record what the training of a completed trial found; `fit()` may have met more hyperparameters."""
    facts: dict[str, Any] = values_of(hp) | {
        "epochs": len(fitted.history[definition.objective.metric]),
        "best_epoch": fitted.best_epoch,
        "seconds": round(fitted.seconds, 3),
        "history": fitted.history,
    }
    if fitted.batches_per_second is not None and batch_size is not None:
        facts["images_per_second"] = round(fitted.batches_per_second * batch_size, 1)
    for key, value in facts.items():
        handle.record(key, value)
