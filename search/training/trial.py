"""One trial: build the network that its hyperparameters describe, train it, and say how it ended."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_tuner.engine.hyperparameters import Fixed

from studyhall.search.bridge.hyperparameters import TrialHyperParameters, recorded_values
from studyhall.search.core.handle import TrialHandle
from studyhall.search.core.outcome import Completed, Failed, Pruned, TrialOutcome
from studyhall.search.devices import setup as device_setup
from studyhall.search.training import provenance, resident
from studyhall.search.training.account import Account
from studyhall.search.training.callbacks import (
    Admission,
    NotAdmittedError,
    Report,
    TrialPrunedError,
    Watch,
)
from studyhall.search.training.failures import outcome_of
from studyhall.search.training.fit import (
    Checkpoints,
    Fitted,
    TrainingPlan,
    account_of,
    batches_on_device,
    fit,
)
from studyhall.search.training.result import Objective
from studyhall.search.training.saving import save_checked
from studyhall.search.training.session import built, prepare
from studyhall.search.training.trial_files import show_files, show_history
from studyhall.search.training.warm_start import refused, unknown_values
from studyhall.search.user.blame import Blame
from studyhall.search.user.examples import Examples, arguments_for, known_batch_size, one_example
from studyhall.search.user.given import Given
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
        UserCodeError: The fault is the study's, not the trial's: it must not be tried with other
            hyperparameters.
    """
    prepare(definition, workload, handle.seed)
    training = _Training(handle, definition, workload, scratch)
    try:
        outcome = training.run(resume_from)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything; the trial alone fails
        return outcome_of(error, blame_of(definition), "objective.metric", training.given)
    if isinstance(outcome, Completed):
        training.show_files()
    return outcome


class _Training:
    """The training of one trial: its model is built, fitted and saved, and what was found is recorded."""

    def __init__(
        self, handle: TrialHandle, definition: Definition, workload: Workload, scratch: Path
    ) -> None:
        self._handle = handle
        self._definition = definition
        self._workload = workload
        self._scratch = scratch
        self._hp = TrialHyperParameters(handle)
        self._started = time.perf_counter()
        self._plan = trial_plan(definition)
        self._account = account_of(workload.hypermodel, self._plan)
        self._model: Any = None
        self._examples: Examples
        self.given: Given | None = None
        self._fitted: Fitted

    def run(self, resume_from: Path | None) -> TrialOutcome:
        """Train, from a checkpoint where there is one, and return how that ended."""
        hypermodel, handle, hp = self._workload.hypermodel, self._handle, self._hp
        model = self._model = built(self._definition, self._workload, hp)
        examples = self._examples = self._workload.examples(hp)
        self.given = given_of(examples, self._definition)
        if unknown := unknown_values(hp, hypermodel):
            return Failed(FailureKind.INVALID, refused(unknown))
        ensure_built(model, examples)
        device_setup.use_compilation(model)
        together = batches_on_device(hypermodel, model, examples.train, examples.validation)
        record_start(handle, hp, model, self._definition, examples, together)
        try:
            fitted = self._fitted = self._fit(together, resume_from)
        except TrialPrunedError as pruned:
            return self._pruned(pruned)
        except NotAdmittedError:
            if self._account.finished:
                self._record_reached()  # it may be ended where it is, by another process
            raise
        record_end(handle, hp, fitted, self._account, known_batch_size(hypermodel, examples))
        if unknown := hp.unused_start_values():  # which `fit` might have declared to its end
            return Failed(FailureKind.INVALID, refused(unknown))
        return self._completed(fitted)

    def show_files(self) -> None:
        """Attach the files that people look at to a trial that completed."""
        show_files(self._handle, self._definition, self._model, self._examples, self._fitted.history)

    def _fit(self, together: int, resume_from: Path | None) -> Fitted:
        handle, account, examples = self._handle, self._account, self._examples
        return fit(
            self._workload.hypermodel,
            self._hp,
            self._model,
            examples.train,
            examples.validation,
            self._plan,
            account,
            together,
            [Admission(handle, account), Report(handle, account), Watch(handle, account)],
            Checkpoints(resume_from, handle.checkpoint, self._scratch),
            examples.fit_arguments.get("batch_size"),
            **arguments_for(self._workload.hypermodel, examples),
        )

    def _completed(self, fitted: Fitted) -> Completed:
        values = dict(zip(self._account.metrics, fitted.result.values, strict=True))
        others = values_beside(self._definition, values, self._model)
        self._model.set_weights(fitted.weights)
        saved = None
        if self._handle.keeps(fitted.value):
            saved = save_checked(self._model, self._scratch, lambda: one_example(self._examples))
        return Completed(fitted.value, fitted.best_epoch, saved, others)

    def _pruned(self, pruned: TrialPrunedError) -> Pruned:
        """Return what a pruned trial had reached, recorded and saved as that of one that completed."""
        account, handle, model = self._account, self._handle, self._model
        if account.best is None or account.best_epoch is None or account.value is None:
            raise ValueError("a trial was pruned that had reported nothing")
        self._record_reached()
        others = values_beside(self._definition, account.best, model)
        saved = None
        if account.weights is not None and handle.keeps(account.value):
            model.set_weights(account.weights)
            saved = save_checked(model, self._scratch, lambda: one_example(self._examples))
        show_history(handle, self._definition, account.history)
        return Pruned(pruned.epoch, account.value, account.best_epoch, saved, others)

    def _record_reached(self) -> None:
        """Record what a trial has come to that does not train on, here and now."""
        reached = {
            EPOCHS: self._account.finished,
            BEST_EPOCH: self._account.best_epoch,
            SECONDS: round(time.perf_counter() - self._started, 3),
            HISTORY: self._account.history,
        }
        self._handle.record(values_of(self._hp) | reached)


def values_beside(definition: Definition, values: Mapping[str, Any], model: Any) -> tuple[float, ...]:
    """Return all objectives' values but the first's, of the epoch that counts, and the model's size.

    Args:
        definition: The study's.
        values: By the names of the objectives that training reports.
        model: The model.
    """
    return tuple(
        float(parameter_count(model) if metric == PARAMETERS else values[metric])
        for metric in definition.metrics[1:]
    )


def blame_of(definition: Definition, built_with: str = "", trained_on: str = "") -> Blame:
    """What says whose fault an error in the code of a study is; see there."""
    return Blame(
        definition.hypermodel.path, definition.data.source, definition.folder, built_with, trained_on
    )


def given_of(examples: Examples, definition: Definition) -> Given:
    """What a fit of a study is given, for errors."""
    targets = examples.fit_arguments.get("y")
    return Given(definition.data.source, examples.train, targets, examples.validation)


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
    together: int,
) -> None:
    """Record what is known before the first batch."""
    known = {
        SEED: handle.seed,
        PARAMETER_COUNT: parameter_count(model),
        **provenance.facts(definition.folder),
        **device_setup.facts(model),
        DATA_FINGERPRINT: examples.fingerprint,
        **resident.facts(together),
    }
    handle.record(values_of(hp) | known)


def values_of(hp: TrialHyperParameters) -> dict[str, Any]:
    """The hyperparameters to record: the tuned ones rebuild the model, the fixed ones are for people."""
    values = recorded_values(hp)
    fixed = {each.name for each in hp.space if isinstance(each, Fixed)}
    fixed |= values.keys() - {each.name for each in hp.space}  # a Tuner's plan gives them
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
    handle.record(facts)
