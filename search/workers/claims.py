"""The life of a trial from its claim to its end, the same for a worker and for a Tuner."""

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from optuna.samplers import BaseSampler
from optuna.trial import Trial

from studyhall.search.core.events import Observer
from studyhall.search.core.outcome import (
    Completed,
    DrawsAgain,
    Dropped,
    Failed,
    HandedBack,
    Interrupted,
    Paused,
    Pruned,
    TrialOutcome,
)
from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.workers.announcer import Announcer
from studyhall.search.workers.budget import Budget, EpochGate
from studyhall.search.workers.fault_note import FaultNote
from studyhall.search.workers.fitness import await_fitness
from studyhall.search.workers.lease_keeper import LeaseKeeper
from studyhall.search.workers.study_handle import StudyHandle, remove_leftovers
from studyhall.search.workers.wait import Idle, Wait
from studyhall.studies.algorithms.factory import make_pruner, sampler_for_trial
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database.attributes import COST
from studyhall.studies.errors import (
    ConfigurationsInUseError,
    LeaseLostError,
    StorageError,
    UserCodeError,
)
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.status.summary import BestTrial, Counts
from studyhall.studies.study.study import Study

LOOK_SECONDS = 1.0  # how long a worker waits that has nothing to try besides what others try


@dataclass(frozen=True)
class HeldTrial:
    """A trial that this process has claimed.

    Attributes:
        trial: Optuna's.
        handle: What its training writes to.
        keeper: Renews its lease.
        scratch: A folder of its own, which goes with it.
    """

    trial: Trial
    handle: StudyHandle
    keeper: LeaseKeeper
    scratch: Path


class Claims:
    """Claims trials of a study one by one, holds them, and writes how they ended.

    Args:
        study: The study.
        store: Where checkpoints and the best trials' weights are kept.
        announcer: Tells people of the best trials.
        stopped: Says whether this process was told to stop; the trial that it holds then goes back to the
            queue.
        pause: Waits for so many seconds, or until this process is told to stop.
        models: The weights of the best trials; by default as many as the study's definition says.
        lease_seconds: How long a trial is held without a sign of life.
        device: What it trains on, for people.
        idle: What to do where nothing is left to take; by default, to wait while trials of others may come
            back.

    Attributes:
        worker: The name that this process has as a worker of the study; no other has it.
        gate: Says whether the study's budget is used up.
    """

    def __init__(
        self,
        study: Study,
        store: ArtifactStore,
        announcer: Announcer,
        *,
        stopped: Callable[[], bool],
        pause: Callable[[float], object],
        models: KeptModels | None = None,
        lease_seconds: float = LEASE_SECONDS,
        device: str = "",
        idle: Idle | None = None,
    ) -> None:
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.gate = EpochGate(study, Budget.of(study.definition))
        self._study = study
        self._store = store
        self._models = KeptModels(study, store) if models is None else models
        self._announcer = announcer
        self._stopped = stopped
        self._pause = pause
        self._lease_seconds = lease_seconds
        self._device = device
        self._idle = Idle() if idle is None else idle
        self._is_fit = False  # until that was tried
        self._pruner = make_pruner(study.definition.pruner)

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Be one of the study's workers inside the block."""
        self._study.workers.register(
            self.worker, host=socket.gethostname(), pid=os.getpid(), device=self._device
        )
        try:
            yield
        finally:
            # A worker that is not heard of any more is known to be gone all the same.
            with suppress(StorageError):
                self._study.workers.dismiss(self.worker)

    def claim(self) -> Trial | None:
        """Claim the next trial.

        None where there is none, the study is over, or this process was told to stop.

        Where all that is left runs elsewhere, it waits: what others try may lead to more, or come back to the
        queue when they are told to stop, or die.
        """
        wait = Wait(
            self._study,
            self.worker,
            self.gate,
            self._idle,
            stopped=self._stopped,
            pause=self._pause,
            lease_seconds=self._lease_seconds,
        )
        while not self._stopped() and self.gate.may_claim():
            if not self._is_fit and self._study.trials.outlook().waits:
                await_fitness(
                    self._store,
                    FaultNote(self._study.name),
                    self._idle.unfit,
                    stopped=self._stopped,
                    pause=self._pause,
                )
                self._is_fit = True
                continue
            trial = self._study.trials.claim(
                self._sampler, self._pruner, worker=self.worker, lease_seconds=self._lease_seconds
            )
            if trial is not None:
                return trial
            if not wait.for_news():
                # For the reason, if it is not that the queue is empty.
                self.gate.look()
                break
        if not self._stopped():
            self._study.rungs.close(spent=self.gate.over is not None)
            remove_leftovers(self._study, self._store)
        return None

    def _sampler(self, number: int) -> BaseSampler:
        definition = self._study.definition
        return sampler_for_trial(definition.sampler, definition.search.seed, number)

    @contextmanager
    def holding(
        self, trial: Trial, observe: Observer, epoch: Callable[[], int] | None = None
    ) -> Iterator[HeldTrial]:
        """Hold a claimed trial and renew its lease inside the block; an exception hands it back.

        Args:
            trial: The trial.
            observe: Hears of its batches and epochs.
            epoch: Says how many epochs are finished, for whoever watches; by default those of the last
                checkpoint.

        Raises:
            UserCodeError: The study cannot go on with this code. Once that is mended, the trial may draw
                other values.
        """
        stopped = self._stopped
        try:
            with scratch_folder() as scratch:
                handle = StudyHandle(
                    self._study, trial, self._store, observe, lambda: stopped() or keeper.lost, self.gate
                )

                def renew() -> None:
                    self._study.trials.renew(handle.lease, epoch=handle.epochs if epoch is None else epoch())

                keeper = LeaseKeeper(renew, self._lease_seconds, self._study.storage.patience.note_silence)
                with handle, keeper:
                    yield HeldTrial(trial, handle, keeper, scratch)
        except BaseException as error:
            # What cannot be begun, for want of a thread for example, goes back, too.
            self.give_back(trial, afresh=isinstance(error, UserCodeError))
            raise

    def give_back(self, trial: Trial, *, afresh: bool = False) -> None:
        """Put a trial back into the queue, `afresh` without the values that it drew.

        One that is another's is left to it.
        """
        with suppress(LeaseLostError, StorageError):
            self._study.trials.hand_back(trial, afresh=afresh)

    def end(self, held: HeldTrial, outcome: TrialOutcome) -> TrialOutcome:
        """Write how a trial ended, and return how.

        An interruption may be one too many, and a pruned trial the best.

        Raises:
            UserCodeError: The study is at fault, and not the trial.
            ArtifactError: The artifact store cannot take a file.
            StorageError: The database was away for too long.
        """
        try:
            if held.keeper.lost:
                return Dropped()
            held.handle.flush()
            if held.handle.refused is not None and isinstance(outcome, Failed | HandedBack):
                outcome = DrawsAgain(str(held.handle.refused))
            if held.handle.stretch.paused_after is not None and isinstance(outcome, HandedBack):
                outcome = Paused(held.handle.stretch.paused_after)
            outcome = self._settle(held, outcome)
        except LeaseLostError:
            return Dropped()
        return outcome

    def announce(self, number: int, outcome: TrialOutcome) -> tuple[BestTrial | None, Counts]:
        """Tell people of a trial that has ended, if it is the best.

        It returns the best one, and how many are in each state.

        Checkpoints that nothing needs any more are removed, whoever left them.
        """
        remove_leftovers(self._study, self._store)
        best, counts = self._study.best_and_counts()
        if best is not None and best.number == number:
            self._announcer.trial_ended(number, outcome)
        return best, counts

    def _settle(self, held: HeldTrial, outcome: TrialOutcome) -> TrialOutcome:
        trial, handle, study = held.trial, held.handle, self._study
        if study.rungs.rule is not None and not isinstance(outcome, DrawsAgain | Dropped):
            study.results.record(trial, {COST: handle.stretch.cost})
        match outcome:
            case Completed(value, _, model, others):
                if model is not None:
                    self._models.keep(trial.number, value, model)
                study.results.complete(trial, value, *others)
            case Pruned(_, value, _, model, others):
                if model is not None and value is not None:
                    self._models.keep(trial.number, value, model)
                ended = study.results.prune(trial, *(() if value is None else (value, *others)))
                return replace(outcome, value=next(iter(ended.values), None), complete=ended.complete)
            case Failed(kind, reason, details, blames_study):
                if blames_study and study.results.is_to_blame(trial):
                    raise UserCodeError(reason)
                study.results.fail(trial, kind, reason, details)
            case HandedBack() | Paused():  # that it is paused, its rung says
                study.trials.hand_back(handle.lease)
            case DrawsAgain():
                others_run = isinstance(handle.refused, ConfigurationsInUseError)
                study.trials.draw_again(handle.lease, keeping_start=others_run)
                if others_run:
                    self._pause(LOOK_SECONDS)
            case Interrupted(reason):
                released = study.trials.interrupted(handle.lease, FailureKind.CRASHED, reason)
                if released.state == "failed":
                    return Failed(FailureKind.CRASHED, reason)
            case Dropped():
                pass
        return outcome
