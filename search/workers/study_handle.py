"""A trial's handle where the study is at hand: in the worker, and for training in one process."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from optuna.distributions import BaseDistribution
from optuna.trial import Trial

from studyhall.search.core.events import BatchDone, EpochDone, Observer
from studyhall.search.core.handle import Start
from studyhall.search.workers.budget import EpochGate
from studyhall.search.workers.stretch import Stretch
from studyhall.studies.artifacts.attachments import attach, attached
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import (
    ArtifactError,
    ConfigurationsInUseError,
    LeaseLostError,
    RepeatedConfigurationError,
)
from studyhall.studies.files import sha256_of
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.seeds import trial_seed
from studyhall.studies.storage.suggesting import start_of, suggest_value
from studyhall.studies.study.study import Study
from studyhall.studies.values import Value

_log = logging.getLogger(__name__)

MOST_UNRECORDED = 4  # checkpoints, of a trial that goes on for a while without its database
REPORT_SECONDS = 5.0  # how long an epoch's report may hold up training; later it is written all the same

_T = TypeVar("_T")


class StudyHandle:
    """One claimed trial of a study; use it as a context manager.

    What is written about the trial is written in order by a thread of its own, so that training goes on while
    the database is away.

    Args:
        study: The study.
        trial: Its trial, as it was claimed.
        store: Where checkpoints go.
        observe: Hears of batches and epochs.
        stop_requested: Whether the worker was told to stop.
        gate: Lets the trial through to its next epoch; None always does.

    Every method raises LeaseLostError once the trial is another worker's.

    Attributes:
        refused: Why the trial has nothing to try; None while it has, or may have.
        stretch: What this claim of the trial has cost, and whether it ends with a pause.
    """

    def __init__(
        self,
        study: Study,
        trial: Trial,
        store: ArtifactStore,
        observe: Observer,
        stop_requested: Callable[[], bool],
        gate: EpochGate | None = None,
    ) -> None:
        self._gate = gate
        self._study = study
        self._trial = trial
        self._store = store
        self._observe = observe
        self._stop_requested = stop_requested
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._written: list[Future[Any]] = []
        self._study_id = hashlib.sha256(f"{study.name} {study.trials.started()}".encode()).hexdigest()[:16]
        self._checkpoints: dict[str, Future[None]] = {}  # those that may not be recorded yet
        self.number: int = trial.number
        self.seed = trial_seed(study.definition.search.seed, trial.number)
        asked = start_of(trial)
        self.start = Start(bool(asked.get("defaults", False)), asked.get("values", {}))
        self.lease = study.trials.lease_of(trial)
        self.epochs = self.lease.checkpoint.epoch if self.lease.checkpoint else 0
        self.refused: RepeatedConfigurationError | None = None
        self.stretch = Stretch(study, trial)

    def __enter__(self) -> Self:
        if self.lease.interruptions > 0:
            self._remove_unrecorded()
        return self

    def _remove_unrecorded(self) -> None:
        """Remove what a worker that was killed may have written and did not live to record."""
        for ahead in range(1, MOST_UNRECORDED + 1):
            with suppress(ArtifactError):  # it is in nobody's way
                self._store.remove(self._checkpoint_id(self.epochs + ahead, self.lease.interruptions - 1))

    def _checkpoint_id(self, epochs: int, interruptions: int) -> str:
        # No two claims ever write the same one, for an epoch is trained again only after an interruption; and
        # no two databases that share a store.
        return f"checkpoint-{self.lease.trial_id}-{epochs}-{interruptions}-{self._study_id}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.shutdown(wait=False, cancel_futures=True)
        for artifact_id, recording in self._checkpoints.items():
            if recording.cancelled():
                self._store.remove(artifact_id)

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        """Ask the study for a parameter's value."""
        drawn = self._write(suggest_value, self._trial, name, distribution, value)
        self._written.remove(drawn)  # what goes wrong with it is heard here, and by nobody later
        try:
            return drawn.result()
        except RepeatedConfigurationError as error:
            self.refused = error
            raise

    def report(self, step: int, value: float, *others: float) -> bool:
        """Record an epoch's value, and ask the study's pruner.

        While the database is away, nothing is pruned.
        """
        self.stretch.trained += 1
        self._observe(EpochDone(self.number, step, value, others))
        return _in_time(self._write(self._report, step, value), REPORT_SECONDS, otherwise=False)

    def _report(self, step: int, value: float) -> bool:
        if len(self._study.definition.metrics) > 1:
            return False  # Optuna neither keeps epochs' values nor prunes where there are several objectives
        # A trial that lost its checkpoint comes by its epochs again; what was reported of them stays.
        if step not in self._trial._cached_frozen_trial.intermediate_values:
            self._trial.report(value, step)
        return self._trial.should_prune()

    def record(self, facts: Mapping[str, Any]) -> None:
        """Record facts as the trial's user attributes, in one transaction."""
        self._write(self._study.results.record, self._trial, dict(facts))

    def attach(self, filename: str, content: bytes) -> None:
        """Attach a file to the trial.

        If the artifact store cannot take it, a line in the log says so, and no more.
        """
        self._write(self._attach, filename, content)

    def _attach(self, filename: str, content: bytes) -> None:
        storage, trial_id = self._trial.storage, self.lease.trial_id
        # Of a trial that was begun before, the file takes the place of the earlier attempt's.
        before = attached(storage.get_trial_system_attrs(trial_id)).get(filename)
        try:
            attach(storage, self._store, content, trial_id=trial_id, filename=filename, artifact_id=before)
        except ArtifactError as error:
            _log.warning("%s of trial %d is not shown: %s", filename, self.number, error)

    def checkpoint(self, epochs: int, path: Path) -> None:
        """Keep a checkpoint, bytes first and then the record, and let go of the one before."""
        artifact_id = self._checkpoint_id(epochs, self.lease.interruptions)
        with open(path, "rb") as file:
            self._store.write(artifact_id, file)
        try:
            recording = self._write(self._record_checkpoint, epochs, artifact_id, sha256_of(path))
        except BaseException:
            self._store.remove(artifact_id)  # no record will ever name it
            raise
        self._checkpoints = {each: future for each, future in self._checkpoints.items() if not future.done()}
        self._checkpoints[artifact_id] = recording
        self.epochs = epochs

    def _record_checkpoint(self, epochs: int, artifact_id: str, sha256: str) -> None:
        try:
            replaced = self._study.checkpoints.record(self.lease, epochs, artifact_id, sha256)
        except LeaseLostError:
            self._store.remove(artifact_id)  # no record will ever name it
            raise
        if replaced is not None:
            self._store.remove(replaced)
            self._study.checkpoints.forget([replaced])

    def keeps(self, value: float) -> bool:
        """Ask the study which models are the best; while the database is away, this one may be."""
        takes = KeptModels(self._study, self._store).takes
        return _in_time(self._write(takes, self.number, value), REPORT_SECONDS, otherwise=True)

    def begin_epoch(self, epoch: int) -> bool:
        """Ask the study's scheduler, then its budget.

        While the database is away, training goes on unless the trial may have to pause, or epochs are counted
        exactly.

        A trial without hyperparameters does not begin where another one has: they would be alike.
        """
        if epoch == 1 and not self._trial.params:
            other = self._write(self._study.trials.begin_without_parameters, self.lease).result()
            if other is not None:
                self.refused = ConfigurationsInUseError(
                    f"trial {other} trains the only configuration there is"
                )
                return False
        done = epoch - 1
        # Epochs of which there is no checkpoint would be lost by a pause.
        asks = self.epochs == done and self.stretch.may_pause(done)
        if asks and not self._write(self.stretch.goes_on_after, done).result():
            return False
        if self._gate is None:
            return True
        seconds = None if self._gate.counts_epochs else REPORT_SECONDS
        return _in_time(self._write(self._gate.admits, self.lease, epoch), seconds, otherwise=True)

    def progress(self, epoch: int, step: int, steps: int) -> None:
        """Show how far an epoch is."""
        self._observe(BatchDone(self.number, epoch, step, steps))

    def stop_requested(self) -> bool:
        """Whether the worker was told to stop."""
        return self._stop_requested()

    def flush(self) -> None:
        """Wait until everything is written; raise what went wrong with it."""
        for each in self._written:
            each.result()
        self._written.clear()

    def _write(self, work: Callable[..., _T], *arguments: Any) -> "Future[_T]":
        for each in self._written:
            if each.done():
                each.result()  # raises what went wrong since the last call
        self._written = [each for each in self._written if not each.done()]
        future = self._writer.submit(work, *arguments)
        self._written.append(future)
        return future


def _in_time(answer: "Future[bool]", seconds: float | None, *, otherwise: bool) -> bool:
    """Return an answer, or something else where it does not come in time.

    What was asked is done all the same.
    """
    try:
        return answer.result(seconds)
    except FutureTimeoutError:
        return otherwise


def remove_leftovers(study: Study, store: ArtifactStore) -> None:
    """Remove the checkpoints that nothing needs any more, whoever left them."""
    leftovers = study.checkpoints.leftovers()
    for artifact_id in leftovers:
        store.remove(artifact_id)
    if leftovers:
        study.checkpoints.forget(leftovers)
