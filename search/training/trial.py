"""One trial: build the network that its hyperparameters describe, train it, and say how it ended."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.hyperparameters import Fixed

from studyhall.models.errors import ConfigurationError
from studyhall.search.bridge.hyperparameters import TrialHyperParameters, recorded_values
from studyhall.search.core.handle import TrialHandle
from studyhall.search.core.outcome import Completed, Failed, HandedBack, Pruned, TrialOutcome
from studyhall.search.devices import setup as device_setup
from studyhall.search.training import provenance, resident
from studyhall.search.training.account import Account, NotFiniteError, UnknownMetricError
from studyhall.search.training.callbacks import (
    Admission,
    Report,
    StopRequestedError,
    TrialPrunedError,
    Watch,
)
from studyhall.search.training.failures import kind_of
from studyhall.search.training.fit import (
    Checkpoints,
    Fitted,
    TrainingPlan,
    account_of,
    batches_on_device,
    fit,
)
from studyhall.search.training.result import Objective
from studyhall.search.training.saving import UnsavableModelError, save_checked, save_model
from studyhall.search.training.session import built, prepare
from studyhall.search.training.trial_files import show_files, show_history
from studyhall.search.training.warm_start import refused, unknown_values
from studyhall.search.user.errors import user_traceback
from studyhall.search.user.examples import Examples, arguments_for, known_batch_size, one_example
from studyhall.search.user.workload import Workload, ensure_built, parameter_count
from studyhall.studies.database.attributes import (
    BEST_EPOCH,
    DATA_FINGERPRINT,
    EPOCHS,
    FIXED_HYPERPARAMETERS,
    HISTORY,
    HYPERPARAMETERS,
    IMAGES_PER_SECOND,
    PARAMETER_COUNT,
    RULES,
    SECONDS,
    SEED,
)
from studyhall.studies.definition import Definition
from studyhall.studies.definition.search_sections import PARAMETERS
from studyhall.studies.errors import (
    DefinitionError,
    RepeatedConfigurationError,
    StudyhallError,
    UserCodeError,
)
from studyhall.studies.one_line import reason
from studyhall.studies.queue.failure_kind import FailureKind


def run_trial(
    handle: TrialHandle,
    definition: Definition,
    workload: Workload,
    scratch: Path,
    resume_from: Path | None = None,
) -> TrialOutcome:
    """Train one trial and return how it ended; facts about it are recorded through the handle.

    Args:
        handle: The trial.
        definition: Its study's definition.
        workload: The HyperModel and the data that the definition names.
        scratch: An existing folder of the trial's own; the best epoch's model is left there as `model.keras`.
        resume_from: The checkpoint of the last epoch that was finished elsewhere, or None for a fresh trial.

    Raises:
        UserCodeError: The fault is the study's, not the trial's: it must not be tried with other hyperparameters.
    """
    prepare(definition, workload, handle.seed)
    hp = TrialHyperParameters(handle)
    started = time.perf_counter()
    plan = trial_plan(definition)
    account = account_of(workload.hypermodel, plan)
    model: Any = None
    try:
        model = built(definition, workload, hp)
        examples = workload.examples(hp)
        if unknown := unknown_values(hp, workload.hypermodel):
            return Failed(FailureKind.INVALID, refused(unknown))
        ensure_built(model, examples)
        device_setup.use_compilation(model)
        record_start(handle, hp, model, definition, examples)
        together = batches_on_device(workload.hypermodel, model, examples.train, examples.validation)
        for key, value in resident.facts(together).items():
            handle.record(key, value)
        try:
            fitted = fit(
                workload.hypermodel,
                hp,
                model,
                examples.train,
                examples.validation,
                plan,
                account,
                [Admission(handle, account), Report(handle, account), Watch(handle, account)],
                Checkpoints(resume_from, handle.checkpoint, scratch),
                examples.fit_arguments.get("batch_size"),
                **arguments_for(workload.hypermodel, examples),
            )
        except TrialPrunedError as pruned:
            return _pruned(pruned, handle, hp, definition, model, account, scratch, started)
        record_end(handle, hp, fitted, account, known_batch_size(workload.hypermodel, examples))
        if unknown := hp.unused_start_values():  # which `fit` might have declared to its end
            return Failed(FailureKind.INVALID, refused(unknown))
        others = values_beside(
            definition, dict(zip(account.metrics, fitted.result.values, strict=True)), model
        )
        model.set_weights(fitted.weights)
        keeps = handle.keeps(fitted.value)
        saved = save_checked(model, scratch, lambda: one_example(examples)) if keeps else None
    except StopRequestedError as stopped:
        return HandedBack(stopped.epochs)
    except NotFiniteError as error:
        return Failed(FailureKind.NAN, str(error))
    except UnknownMetricError as error:
        return Failed(FailureKind.INVALID, f"{error}; set objective.metric to one of them", blames_study=True)
    except (
        ConfigurationError,
        DefinitionError,
        RepeatedConfigurationError,
        keras_tuner.errors.FailedTrialError,
    ) as error:
        return Failed(FailureKind.INVALID, str(error))
    except UnsavableModelError as error:
        return Failed(FailureKind.ERROR, str(error))
    except keras_tuner.errors.FatalError as error:
        raise UserCodeError(f"{definition.hypermodel.path} ended the search: {error}") from error
    except StudyhallError:
        raise
    except Exception as error:  # noqa: BLE001 - a user's code may raise anything; the trial alone fails
        details = user_traceback(error, definition.folder)
        return Failed(kind_of(error), f"{type(error).__name__}: {reason(error)}", details)
    show_files(handle, definition, model, examples, fitted.history)
    return Completed(fitted.value, fitted.best_epoch, saved, others)


def _pruned(
    pruned: TrialPrunedError,
    handle: TrialHandle,
    hp: TrialHyperParameters,
    definition: Definition,
    model: Any,
    account: Account,
    scratch: Path,
    started: float,
) -> Pruned:
    """Return what a trial that was pruned had reached, recorded and saved as that of one that completed."""
    if account.best is None or account.best_epoch is None or account.value is None:
        raise ValueError("a trial was pruned that had reported nothing")
    facts = values_of(hp) | {
        EPOCHS: account.finished,
        BEST_EPOCH: account.best_epoch,
        SECONDS: round(time.perf_counter() - started, 3),
        HISTORY: account.history,
    }
    for key, value in facts.items():
        handle.record(key, value)
    others = values_beside(definition, account.best, model)
    saved = None
    if account.weights is not None and handle.keeps(account.value):
        model.set_weights(account.weights)
        saved = save_model(model, scratch)
    show_history(handle, definition, account.history)
    return Pruned(pruned.epoch, account.value, account.best_epoch, saved, others)


def values_beside(definition: Definition, values: Mapping[str, Any], model: Any) -> tuple[float, ...]:
    """Return the values of all objectives but the first: those of the epoch that counts, and the model's size.

    Args:
        definition: The study's.
        values: By the names of the objectives that training reports.
        model: The model.
    """
    return tuple(
        float(parameter_count(model) if metric == PARAMETERS else values[metric])
        for metric in definition.metrics[1:]
    )


def objectives_of(definition: Definition) -> tuple[Objective, ...]:
    """The objectives that training reports, the most important first."""
    pairs = zip(definition.metrics, definition.directions, strict=True)
    return tuple(Objective(metric, direction) for metric, direction in pairs if metric != PARAMETERS)


def trial_plan(definition: Definition) -> TrainingPlan:
    """The plan of a trial's fit, from its definition."""
    training = definition.training
    return TrainingPlan(
        objectives=objectives_of(definition),
        epochs=training.epochs,
        early_stopping=training.early_stopping or None,
        plateau=training.reduce_learning_rate or None,
    )


def record_start(
    handle: TrialHandle,
    hp: TrialHyperParameters,
    model: Any,
    definition: Definition,
    examples: Examples,
) -> None:
    """Record what is known before the first batch."""
    facts = values_of(hp) | {
        SEED: handle.seed,
        PARAMETER_COUNT: parameter_count(model),
        **provenance.facts(definition.folder),
        **device_setup.facts(model),
        DATA_FINGERPRINT: examples.fingerprint,
    }
    for key, value in facts.items():
        handle.record(key, value)


def values_of(hp: TrialHyperParameters) -> dict[str, Any]:
    """The hyperparameters to record: those that are tuned rebuild the model, the fixed ones are for people."""
    fixed = {each.name for each in hp.space if isinstance(each, Fixed)}
    values = recorded_values(hp)
    return {
        HYPERPARAMETERS: {name: value for name, value in values.items() if name not in fixed},
        FIXED_HYPERPARAMETERS: {name: value for name, value in values.items() if name in fixed},
    }


def record_end(
    handle: TrialHandle,
    hp: TrialHyperParameters,
    fitted: Fitted,
    account: Account,
    batch_size: int | None,
) -> None:
    """Record what the training of a completed trial found; `fit()` may have met more hyperparameters."""
    facts: dict[str, Any] = values_of(hp) | {
        EPOCHS: account.finished,
        BEST_EPOCH: fitted.best_epoch,
        SECONDS: round(fitted.seconds, 3),
        HISTORY: fitted.history,
        RULES: fitted.rules,
    }
    if fitted.batches_per_second is not None and batch_size is not None:
        facts[IMAGES_PER_SECOND] = round(fitted.batches_per_second * batch_size, 1)
    for key, value in facts.items():
        handle.record(key, value)
