"""The trials of a study, as workers take, hold and end them."""

import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import Trial, TrialState
from sqlalchemy import Connection

from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import FAILURE, MODEL, PRUNED_AFTER, REASON, STARTED, UNREPORTED
from studyhall.studies.queue import epoch_budget, flags, leasing, queue, reclaiming, workers
from studyhall.studies.queue.lease import LEASE_SECONDS, MAX_INTERRUPTIONS, Checkpoint, Lease, Released
from studyhall.studies.queue.pruning import EndedByPruner
from studyhall.studies.queue.reclaiming import Expired, Failure, RacedError
from studyhall.studies.space import distinct_trials
from studyhall.studies.space.space import Reach
from studyhall.studies.status import queries
from studyhall.studies.storage.claimed_trial import (
    ClaimedTrial,
    QueuedStudy,
    reached,
    require_finite,
    storage_of,
)
from studyhall.studies.storage.leased_storage import LeasedStorage
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.space import StudySpace


class StudyTrials(StudySpace):
    """The trials of one study in a storage.

    Every method raises StorageError where the database fails.

    Attributes:
        others_try_the_rest: Whether the last claim took no trial because all that is left runs elsewhere; a
            later one may.
    """

    def __init__(self, storage: StudyStorage, id: int, name: str) -> None:
        super().__init__(storage, id, name)
        self._started: float | None = None
        self.others_try_the_rest = False

    def optuna(self, sampler: BaseSampler | None = None, pruner: BasePruner | None = None) -> optuna.Study:
        """Return the study as Optuna sees it, for its trials and attributes."""
        with self.storage.explained():
            return QueuedStudy(self.name, self._cached, sampler or RandomSampler(), pruner or NopPruner())

    def claim(
        self,
        sampler: Callable[[int], BaseSampler],
        pruner: BasePruner,
        *,
        worker: str = "",
        lease_seconds: float = LEASE_SECONDS,
        max_interruptions: int = MAX_INTERRUPTIONS,
    ) -> Trial | None:
        """Take the first trial out of the queue; None if the queue is empty or workers are asked to leave.

        Before that, trials whose workers are gone return to the queue. Nobody else gets the same trial as
        long as its lease is renewed; one that is claimed again has its number, its parameters and its
        intermediate values. Whatever is written through the trial raises LeaseLostError, and changes nothing,
        once the lease is over.

        Where all configurations of a finite search space were tried, the trials that a sampler would have to
        propose values for are withdrawn from the queue, as `exhausted` then tells. Where other trials try the
        last ones, none of them is taken.

        Args:
            sampler: Returns the sampler for a trial, given its number.
            pruner: Decides whether the trial should be pruned.
            worker: Who asks, as in `register_worker`.
            lease_seconds: How long the lease lasts after its last renewal.
            max_interruptions: How often a trial may lose its worker.
        """
        self.reclaim_expired(max_interruptions=max_interruptions)
        reach = self.reach()
        lease = self._take(worker, lease_seconds, asked_only=reach is not Reach.FREE)
        self.others_try_the_rest = lease is None and reach is Reach.PENDING and self._waits()
        if lease is None:
            return None
        try:
            with self.storage.explained():
                storage = LeasedStorage(
                    self._cached, lease, self._tried, self.limits, is_fresh=not self._is_endless
                )
                if self.limits.model is not None:
                    storage.set_trial_system_attr(lease.trial_id, MODEL, self.limits.model)
                study = QueuedStudy(self.name, storage, sampler(lease.number), pruner)
                return ClaimedTrial(study, lease.trial_id)
        except BaseException:
            self.hand_back(lease)
            raise

    def _waits(self) -> bool:
        return not self.storage.read(lambda connection: queue.is_over(connection, self.id))

    def started(self) -> float | None:
        """Return when the first trial was claimed, in seconds since 1970; None before."""
        if self._started is None:  # which never changes afterwards
            found = self.storage.read(
                lambda connection: study_rows.attributes(connection, self.id, (STARTED,))
            )
            self._started = found.get(STARTED)
        return self._started

    def _take(self, worker: str, lease_seconds: float, *, asked_only: bool) -> Lease | None:
        token = secrets.token_hex(16)
        known = self._started is not None
        while True:
            taken = self.storage.transact(
                lambda connection: queue.claim(
                    connection,
                    self.id,
                    token,
                    worker,
                    lease_seconds,
                    has_started=known,
                    asked_only=asked_only,
                ),
                got_through=lambda connection, _: leasing.find(connection, token) is not None,
            )
            if taken is not None or self.storage.read(
                lambda connection: queue.is_over(connection, self.id, asked_only=asked_only)
            ):
                return taken
            time.sleep(random.uniform(0.01, 0.05))  # s; others are about to take the rest, or to give it back

    def lease_of(self, trial: Trial) -> Lease:
        """Return the lease on a claimed trial, as it was at the claim."""
        return storage_of(trial).lease

    def renew(
        self, lease: Lease, *, epoch: int | None = None, images_per_second: float | None = None
    ) -> bool:
        """Say that the holder of a lease lives and what it does; return whether workers are asked to leave.

        It may be called from any thread; each one has a connection of its own.

        Raises:
            LeaseLostError: The lease is over.
        """

        def work(connection: Connection) -> bool:
            leasing.renew(connection, lease)
            workers.note(connection, lease.worker, lease.number, epoch, images_per_second)
            return flags.is_requested(connection, self.id)

        return self.storage.transact(work)

    def begin_epoch(self, lease: Lease, epoch: int, limit: int) -> bool:
        """Note that a trial begins an epoch (from 1); False, and no change, if the `limit` is used up.

        Epochs of all trials count, each once however often it is trained.

        Raises:
            LeaseLostError: The lease is over.
        """
        return self.storage.transact(lambda connection: epoch_budget.begin(connection, lease, epoch, limit))

    def record_checkpoint(self, lease: Lease, epoch: int, artifact_id: str, sha256: str) -> str | None:
        """Note where a trial can be continued; return the artifact that this replaces.

        Raises:
            LeaseLostError: The lease is over.
        """
        checkpoint = Checkpoint(epoch, artifact_id, sha256)
        replaced: list[str] = []

        def work(connection: Connection) -> str | None:
            previous = leasing.record_checkpoint(connection, lease, checkpoint)
            replaced.extend([previous] if previous is not None else [])
            return previous

        self.storage.transact(work)
        return replaced[0] if replaced else None  # done again, it finds itself

    def hand_back(self, held: Trial | Lease, *, afresh: bool = False) -> None:
        """Put a trial back where it was in the queue.

        With `afresh` it loses what it drew and recorded, unless it has a checkpoint.

        Raises:
            LeaseLostError: The lease is over.
        """
        lease = held if isinstance(held, Lease) else self.lease_of(held)
        self.storage.transact(
            lambda connection: leasing.hand_back(connection, lease, afresh=afresh),
            got_through=lambda connection, _: not leasing.is_held(connection, lease),
        )
        self._cached.drawn_from.clear()  # which a trial may have told that has forgotten them

    def draw_again(self, held: Trial | Lease, *, keeping_start: bool = False) -> None:
        """Put a trial back whose parameters lead to nothing that no other trial has, so that it draws others.

        Args:
            held: The trial.
            keeping_start: Whether the values that somebody asked for are asked for again.

        Raises:
            LeaseLostError: The lease is over.
        """
        lease = held if isinstance(held, Lease) else self.lease_of(held)
        self.storage.transact(
            lambda connection: leasing.put_back(connection, lease, as_new=not keeping_start),
            got_through=lambda connection, _: not leasing.is_held(connection, lease),
        )

    def begin_without_parameters(self, lease: Lease) -> int | None:
        """Note that a trial trains a model without parameters; return the number of a trial that already did.

        None says that there is no such trial, or that trials may be alike.

        Raises:
            LeaseLostError: The lease is over.
        """
        if self.repeats:
            return None
        return self.storage.transact(
            lambda connection: distinct_trials.begin_without_parameters(connection, lease)
        )

    def interrupted(
        self, lease: Lease, kind: str, reason: str, *, max_interruptions: int = MAX_INTERRUPTIONS
    ) -> Released:
        """Put a trial back that cost its training process its life; or fail it, if it did so too often.

        Args:
            lease: The lease on the trial.
            kind: A word that failures are counted by.
            reason: A line for people.
            max_interruptions: How often a trial may do so.

        Raises:
            LeaseLostError: The lease is over.
        """
        failure = Failure(kind, reason)
        return self.storage.transact(
            lambda connection: reclaiming.interrupt(connection, lease, failure, max_interruptions),
            got_through=lambda connection, _: not leasing.is_held(connection, lease),
        )

    def reclaim_expired(
        self, *, orphan_seconds: float = LEASE_SECONDS, max_interruptions: int = MAX_INTERRUPTIONS
    ) -> list[Released]:
        """Put trials back whose workers are gone; or fail them, if that happened too often.

        Args:
            orphan_seconds: How long a trial may run that nobody ever leased.
            max_interruptions: How often a trial may lose its worker.
        """
        found, any_ended = self.storage.read(
            lambda connection: reclaiming.expired(connection, self.id, orphan_seconds)
        )
        released = [self._reclaim(each, max_interruptions) for each in found]
        if any_ended:
            self.storage.transact(lambda connection: reclaiming.drop_ended(connection, self.id))
        return [each for each in released if each is not None]

    def _reclaim(self, found: Expired, max_interruptions: int) -> Released | None:
        try:
            return self.storage.transact(
                lambda connection: reclaiming.reclaim(connection, found, max_interruptions),
                got_through=lambda connection, _: reclaiming.is_reclaimed(connection, found),
            )
        except RacedError:
            return None

    def record(self, trial: Trial, facts: Mapping[str, Any]) -> None:
        """Give a trial user attributes, all at once.

        Raises:
            LeaseLostError: The lease is over.
        """
        storage = storage_of(trial)
        if len(facts) == 1:
            for key, value in facts.items():
                storage.set_trial_user_attr(trial._trial_id, key, value)
        elif facts:
            storage.set_trial_user_attrs(trial._trial_id, facts)
        trial._cached_frozen_trial.user_attrs.update(facts)

    def leftovers(self) -> list[str]:
        """Return the artifacts of checkpoints that nobody needs any more, until they are forgotten."""
        return self.storage.read(lambda connection: reclaiming.left_over(connection, self.id))

    def forget_leftovers(self, artifact_ids: Sequence[str]) -> None:
        """Note that artifacts that were left over are removed."""
        self.storage.transact(lambda connection: reclaiming.forget(connection, artifact_ids))

    def complete(self, trial: Trial, *values: float) -> None:
        """End a trial with its result.

        Args:
            trial: The trial.
            values: One for each objective, in their order.

        Raises:
            LeaseLostError: The lease is over.
            ValueError: The result is not finite, which is a failure and not a result.
        """
        require_finite(trial, values)
        self._tell(trial, TrialState.COMPLETE, values)

    def prune(self, trial: Trial, *values: float) -> EndedByPruner:
        """End a trial that the pruner gave up on, with the values of its best epoch; say what it is now.

        It is complete where no complete trial of the study is as good, so that whoever asks for the best
        trial finds it; else pruned.

        Args:
            trial: The trial.
            values: One for each objective, in their order. By default the best value that it reported; it has
                no result if it reported none.

        Raises:
            LeaseLostError: The lease is over.
            ValueError: A value is not finite, or there is not one for each objective.
        """
        storage, result = storage_of(trial), reached(trial, values)
        epoch = storage.held.last_step
        attributes = {} if epoch is None else {PRUNED_AFTER: epoch}
        with self.storage.explained(), storage.ending(attributes, result):
            trial.study.tell(trial, None, TrialState.PRUNED)
        return EndedByPruner(storage.held.state is TrialState.COMPLETE, result, epoch)

    def fail(self, trial: Trial, kind: str, reason: str) -> None:
        """End a trial that has no result, and say why.

        Args:
            trial: The trial.
            kind: A word that failures are counted by.
            reason: A line for people.

        Raises:
            LeaseLostError: The lease is over.
        """
        self._tell(trial, TrialState.FAIL, attributes={FAILURE: kind, REASON: reason})

    def is_to_blame(self, trial: Trial) -> bool:
        """Whether the study, not the trial, is at fault that it could not report; the trial remembers it.

        It is while no trial has a result. A trial that was given back for that and meets the same again is at
        fault itself, so that the study does not end at it for ever.

        Raises:
            LeaseLostError: The lease is over.
        """
        counts = self.storage.read(lambda connection: queries.counts(connection, self.id))
        if counts.complete + counts.pruned > 0 or UNREPORTED in trial.user_attrs:
            return False
        self.record(trial, {UNREPORTED: True})
        return True

    def _tell(
        self,
        trial: Trial,
        state: TrialState,
        values: Sequence[float] | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        with self.storage.explained(), storage_of(trial).ending(attributes or {}):
            trial.study.tell(trial, values, state)
