"""A worker: claims trials of a study one by one and sees each of them to its end."""

import os
import socket
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from optuna.samplers import BaseSampler
from optuna.trial import Trial

from studyhall.search.core.events import Best, Observer, TrialEnded, TrialStarted
from studyhall.search.core.outcome import (
    Completed,
    DrawsAgain,
    Dropped,
    Failed,
    HandedBack,
    Interrupted,
    Pruned,
    TrialOutcome,
)
from studyhall.search.notifications.notifier import Notifies
from studyhall.search.processes.channel import Job, TrialTask
from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import (
    TrainerCrashedError,
    TrainerProcess,
    TrainerStoppedError,
)
from studyhall.search.workers.announcer import Announcer
from studyhall.search.workers.budget import Budget, EpochGate
from studyhall.search.workers.lease_keeper import LeaseKeeper
from studyhall.search.workers.study_handle import StudyHandle, sweep
from studyhall.studies.algorithms.factory import make_pruner, sampler_for_trial
from studyhall.studies.artifacts.attachments import copy_checked
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import (
    ArtifactError,
    ConfigurationsInUseError,
    LeaseLostError,
    StorageError,
    UserCodeError,
    WorkFailedError,
)
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.status import summary
from studyhall.studies.study.study import Study

FAILURES_IN_A_ROW = (
    3  # of a kind that is not the trial's fault; then the worker stops instead of burning the queue
)
LOOK_SECONDS = 1.0  # how often a worker looks whether others have left it something to try
NOT_THE_TRIALS_FAULT = frozenset({FailureKind.ERROR, FailureKind.CRASHED})
HEALTHY_AFTER = frozenset({FailureKind.NAN, FailureKind.INVALID})  # other failures cost the training process


class Worker:
    """Works through a study's queue with one training process; use it as a context manager.

    Args:
        study: The study whose trials are claimed.
        trainer: The training process; the caller closes it.
        store: Where checkpoints and the best trials' weights are kept.
        observe: Hears of everything that happens.
        stop: Says when to stop; the trial in hand then goes back to the queue.
        lease_seconds: How long a trial is held without a sign of life.
        device: What it trains on, for people.
        notifier: Takes notifications; None where nobody wants any.
    """

    def __init__(
        self,
        study: Study,
        trainer: TrainerProcess,
        store: ArtifactStore,
        observe: Observer,
        stop: StopSwitch,
        *,
        lease_seconds: float = LEASE_SECONDS,
        device: str = "",
        notifier: Notifies | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._study = study
        self._trainer = trainer
        self._store = store
        self._models = KeptModels(study, store)
        self._observe = observe
        self._stop = stop
        self._lease_seconds = lease_seconds
        self._device = device
        self._failures_in_a_row = 0
        self._gate = EpochGate(study, Budget.of(study.definition))
        self._announcer = Announcer(study, notifier)

    @property
    def over(self) -> str | None:
        """Why no trial is taken any more though some may wait, for people; None where that is not so."""
        return self._gate.over

    def __enter__(self) -> Self:
        self._study.register_worker(
            self.name, host=socket.gethostname(), pid=os.getpid(), device=self._device
        )
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(
            StorageError
        ):  # a worker that is not heard of any more is known to be gone all the same
            self._study.dismiss_worker(self.name)

    def run(self) -> None:
        """Train until the queue is empty, the study is stopped, or the worker is told to stop.

        Raises:
            UserCodeError: The study cannot go on with this code; the trial in hand is back in the queue.
            WorkFailedError: Trials failed one after the other; the queue is kept.
            ArtifactError: The artifact store cannot take a file; likewise.
            StorageError: The database was away for too long; the trial in hand goes back when its lease ends.
        """
        pruner = make_pruner(self._study.definition.pruner)
        while not self._stop() and self._gate.may_claim():
            trial = self._study.claim(
                self._sampler, pruner, worker=self.name, lease_seconds=self._lease_seconds
            )
            if trial is None and self._study.others_try_the_rest:
                # What they try may lead to more, or fail for no fault of its own.
                self._study.seen(self.name)
                self._stop.wait(LOOK_SECONDS)
                continue
            if trial is None:
                sweep(self._study, self._store)
                self._gate.look()  # for the reason, if it is not that the queue is empty
                break
            self._work_on(trial)
        self._announcer.left()

    def _sampler(self, number: int) -> BaseSampler:
        definition = self._study.definition
        return sampler_for_trial(definition.sampler, definition.search.seed, number)

    def _work_on(self, trial: Trial) -> None:
        with StudyHandle(self._study, trial, self._store, self._observe, self._stop, self._gate) as handle:
            self._observe(TrialStarted(trial.number, self._study.definition.training.epochs, handle.epochs))
            try:
                with scratch_folder() as scratch:
                    outcome = self._train(handle, scratch)
                    handle.flush()
                    if handle.refused is not None and isinstance(outcome, Failed | HandedBack):
                        outcome = DrawsAgain(str(handle.refused))
                    outcome = self._settle(trial, handle, outcome)
            except LeaseLostError:
                outcome = Dropped()
            except BaseException as error:
                with suppress(LeaseLostError, StorageError):
                    self._study.hand_back(handle.lease, afresh=isinstance(error, UserCodeError))
                raise
        sweep(self._study, self._store)
        best, counts = self._study.best_and_counts()
        self._observe(TrialEnded(trial.number, outcome, shown_best(best), counts))
        if best is not None and best.number == trial.number:
            self._announcer.trial_ended(trial.number, outcome)
        if isinstance(outcome, Failed) and outcome.kind not in HEALTHY_AFTER:
            self._trainer.stop()
        self._give_up_after_failures(outcome)

    def _train(self, handle: StudyHandle, scratch: Path) -> TrialOutcome:
        """Have the trial trained, and renew its lease meanwhile."""
        keeper = LeaseKeeper(
            lambda: self._study.renew(handle.lease, epoch=handle.epochs), self._lease_seconds
        )
        task = TrialTask(
            Job(self._study.definition, scratch),
            handle.number,
            handle.seed,
            handle.start,
            self._checkpoint(handle, scratch),
        )
        with keeper:
            try:
                outcome: TrialOutcome = self._trainer.run(task, handle, lambda: self._stop() or keeper.lost)
            except TrainerCrashedError as crash:
                outcome = _after_crash(crash)
            except TrainerStoppedError:
                outcome = HandedBack(handle.epochs)
        if keeper.lost:
            raise LeaseLostError(f"Trial {handle.number} is another worker's by now.")
        return outcome

    def _checkpoint(self, handle: StudyHandle, scratch: Path) -> Path | None:
        """Fetch the trial's checkpoint; None where there is none, or it is damaged: the trial then starts afresh."""
        checkpoint = handle.lease.checkpoint
        if checkpoint is None:
            return None
        path = scratch / "resume.npz"
        try:
            copy_checked(
                self._store,
                checkpoint.artifact_id,
                checkpoint.sha256,
                path,
                damaged=f"The checkpoint of trial {handle.number} does not match its checksum.",
            )
        except ArtifactError:
            return None
        return path

    def _settle(self, trial: Trial, handle: StudyHandle, outcome: TrialOutcome) -> TrialOutcome:
        """Write how the trial ended; an interruption may turn out to be one too many."""
        match outcome:
            case Completed(value, _, model, others):
                if model is not None:
                    self._models.keep(trial.number, value, model)
                self._study.complete(trial, value, *others)
            case Pruned(_, value, _, model, others):
                if model is not None:
                    self._models.keep(trial.number, value, model)
                return replace(outcome, complete=self._study.prune(trial, value, *others).complete)
            case Failed(kind, reason, _, blames_study):
                if blames_study and self._study.is_to_blame(trial):
                    raise UserCodeError(reason)
                self._study.fail(trial, kind, reason)
            case HandedBack():
                self._study.hand_back(handle.lease)
            case DrawsAgain():
                others_run = isinstance(handle.refused, ConfigurationsInUseError)
                self._study.draw_again(handle.lease, keeping_start=others_run)
                if others_run:
                    self._stop.wait(LOOK_SECONDS)
            case Interrupted(reason):
                released = self._study.interrupted(handle.lease, FailureKind.CRASHED, reason)
                if released.state == "failed":
                    return Failed(FailureKind.CRASHED, reason)
            case Dropped():
                pass
        return outcome

    def _give_up_after_failures(self, outcome: TrialOutcome) -> None:
        if not (isinstance(outcome, Failed) and outcome.kind in NOT_THE_TRIALS_FAULT):
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if self._failures_in_a_row == FAILURES_IN_A_ROW:
            self._announcer.gave_up(self.name, FAILURES_IN_A_ROW, outcome)
            error = WorkFailedError(
                f"{FAILURES_IN_A_ROW} trials in a row failed, the last one with: {outcome.reason}; "
                "mend it and start again: the queue is kept"
            )
            error.add_note(outcome.details)
            raise error


def _after_crash(crash: TrainerCrashedError) -> Failed | Interrupted:
    if crash.death.kind is None:
        return Interrupted(crash.reason)
    return Failed(crash.death.kind, crash.reason, crash.output)


def shown_best(best: summary.Best | None) -> Best | None:
    """The best completed trial of a study as it is shown; None before the first one."""
    return None if best is None else Best(best.number, best.value, dict(best.hyperparameters))
