"""A worker: has a training process train trials of a study one by one, and sees each of them to its end."""

from pathlib import Path
from types import TracebackType
from typing import Self

from optuna.trial import Trial

from studyhall.search.core.events import MachineUnfit, Observer, TrialEnded, TrialStarted, Waiting
from studyhall.search.core.machine import machine_error
from studyhall.search.core.outcome import Dropped, Failed, HandedBack, Interrupted, TrialOutcome
from studyhall.search.notifications.notifier import Notifies
from studyhall.search.processes.channel import Job, TrialTask
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import (
    TrainerCrashedError,
    TrainerProcess,
    TrainerStoppedError,
)
from studyhall.search.workers.announcer import Announcer
from studyhall.search.workers.claims import Claims, HeldTrial
from studyhall.search.workers.failures_in_a_row import FailuresInARow
from studyhall.search.workers.fault_note import FaultNote
from studyhall.search.workers.wait import Idle
from studyhall.studies.artifacts.attachments import copy_checked
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import ArtifactError, LeaseLostError, MachineError, WorkFailedError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.study.study import Study

# Of a kind that is not the trial's fault; then the worker stops instead of burning the queue.
FAILURES_IN_A_ROW = 3
# Other failures cost the training process.
HEALTHY_AFTER = frozenset({FailureKind.NAN, FailureKind.INVALID})


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
        leaves: Whether it leaves as soon as no trial waits, though trials of others may come back.
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
        leaves: bool = False,
        notifier: Notifies | None = None,
    ) -> None:
        self._study = study
        self._trainer = trainer
        self._store = store
        self._observe = observe
        self._stop = stop
        self._announcer = Announcer(study, notifier)
        self._claims = Claims(
            study,
            store,
            self._announcer,
            stopped=stop,
            pause=stop.wait,
            lease_seconds=lease_seconds,
            device=device,
            # A training process that is idle for long gives the device's memory to others.
            idle=Idle(
                leaves,
                notice=lambda running: observe(Waiting(running)),
                rests=trainer.stop,
                unfit=lambda reason: observe(MachineUnfit(reason)),
            ),
        )
        self._registered = self._claims.registered()
        self._failures = FailuresInARow(FAILURES_IN_A_ROW)

    @property
    def name(self) -> str:
        """The name that it has as one of the study's workers."""
        return self._claims.worker

    @property
    def over(self) -> str | None:
        """Why no trial is taken any more though some may wait, for people; None where that is not so."""
        return self._claims.gate.over

    def __enter__(self) -> Self:
        self._registered.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._registered.__exit__(kind, error, trace)

    def run(self) -> None:
        """Train until no trial is left, the study is stopped, or the worker is told to stop.

        While others have the last trials it waits, as those may come back to the queue.

        Raises:
            UserCodeError: The study cannot go on with this code; the trial in hand is back in the queue.
            WorkFailedError: Trials failed one after the other; the queue is kept.
            ArtifactError: The artifact store cannot take a file; likewise.
            MachineError: A disk is full, or a limit of this machine is used up; likewise.
            StorageError: The database was away for too long; the trial in hand goes back when its lease ends.
        """
        note = FaultNote(self._study.name)
        while (trial := self._claims.claim()) is not None:
            try:
                self._work_on(trial)
                note.remove()
            except (MachineError, OSError, RuntimeError) as error:
                if (fault := machine_error(error)) is None:
                    raise
                note.leave()
                raise MachineError(f"{fault} Trial {trial.number} is back in the queue.") from error
        self._announcer.left()

    def _work_on(self, trial: Trial) -> None:
        with self._claims.holding(trial, self._observe) as held:
            self._observe(
                TrialStarted(trial.number, self._study.definition.training.epochs, held.handle.epochs)
            )
            outcome = self._claims.end(held, self._train(held))
        best, counts = self._claims.announce(trial.number, outcome)
        self._observe(TrialEnded(trial.number, outcome, best, counts))
        if isinstance(outcome, Failed) and outcome.kind not in HEALTHY_AFTER:
            self._trainer.stop()
        self._give_up_after(outcome)

    def _train(self, held: HeldTrial) -> TrialOutcome:
        handle = held.handle
        task = TrialTask(
            Job(self._study.definition, held.scratch),
            handle.number,
            handle.seed,
            handle.start,
            self._checkpoint(held),
        )
        try:
            outcome: TrialOutcome = self._trainer.run(task, handle, handle.stop_requested)
        except TrainerCrashedError as crash:
            return _after_crash(crash)
        except TrainerStoppedError:
            return HandedBack(handle.epochs)
        except LeaseLostError:
            return Dropped()
        return outcome

    def _checkpoint(self, held: HeldTrial) -> Path | None:
        """Fetch the trial's checkpoint.

        It returns None if there is none or it is damaged; the trial then starts afresh.
        """
        checkpoint = held.handle.lease.checkpoint
        if checkpoint is None:
            return None
        path = held.scratch / "resume.npz"
        try:
            copy_checked(
                self._store,
                checkpoint.artifact_id,
                checkpoint.sha256,
                path,
                damaged=f"The checkpoint of trial {held.handle.number} does not match its checksum.",
            )
        except ArtifactError:
            return None
        return path

    def _give_up_after(self, outcome: TrialOutcome) -> None:
        why = self._failures.too_many(outcome)
        if why is not None and isinstance(outcome, Failed):
            self._announcer.gave_up(self.name, FAILURES_IN_A_ROW, outcome)
            error = WorkFailedError(why)
            error.details = outcome.details
            raise error


def _after_crash(crash: TrainerCrashedError) -> Failed | Interrupted:
    if crash.death.kind is None:
        return Interrupted(crash.reason)
    crash.raise_if_machines()
    return Failed(crash.death.kind, crash.reason, crash.output)
