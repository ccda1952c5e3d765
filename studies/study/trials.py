"""The trials of a study, as workers take, hold and give them back."""

import random
import secrets
import time
from collections.abc import Callable

from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import Trial
from sqlalchemy import Connection

from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import MODEL, STARTED
from studyhall.studies.queue import flags, leasing, outlook, queue, reclaiming, workers
from studyhall.studies.queue.lease import LEASE_SECONDS, MAX_INTERRUPTIONS, Lease, Released
from studyhall.studies.queue.outlook import Outlook
from studyhall.studies.queue.promotion import Rule
from studyhall.studies.queue.reclaiming import Expired, Failure, RacedError
from studyhall.studies.space import distinct_trials
from studyhall.studies.space.space import Reach
from studyhall.studies.storage.claimed_trial import (
    ClaimedTrial,
    QueuedStudy,
    storage_of,
)
from studyhall.studies.storage.leased_storage import LeasedStorage
from studyhall.studies.storage.study_cache import StudyCache
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.space import StudySpace


class StudyTrials:
    """The trials of one study in a storage.

    Every method raises StorageError where the database fails.

    Attributes:
        others_try_the_rest: Whether the last claim took no trial because all that is left runs elsewhere; a
            later one may.
    """

    def __init__(
        self,
        storage: StudyStorage,
        id: int,
        name: str,
        cache: StudyCache,
        space: StudySpace,
        rule: Rule | None = None,
    ) -> None:
        self.others_try_the_rest = False
        self._storage = storage
        self._id = id
        self._name = name
        self._cache = cache
        self._space = space
        self._rule = rule
        self._started: float | None = None

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

        Where trials pause, a paused one that may go on comes first, and one that may not is left.

        Before that, trials whose workers are gone return to the queue. Nobody else gets the same trial as
        long as its lease is renewed; one that is claimed again has its number, its parameters and its
        intermediate values. Whatever is written through the trial raises LeaseLostError, and changes nothing,
        once the lease is over.

        Where all configurations of a finite search space were tried, the trials that a sampler would have to
        propose values for are withdrawn from the queue, as `StudySpace.exhausted` then tells. Where other
        trials try the last ones, none of them is taken.

        Args:
            sampler: Returns the sampler for a trial, given its number.
            pruner: Decides whether the trial should be pruned.
            worker: Who asks, as in `StudyWorkers.register`.
            lease_seconds: How long the lease lasts after its last renewal.
            max_interruptions: How often a trial may lose its worker.
        """
        self.reclaim_expired(max_interruptions=max_interruptions)
        reach = self._space.reach()
        lease = self._take(worker, lease_seconds, asked_only=reach is not Reach.FREE)
        self.others_try_the_rest = lease is None and reach is Reach.PENDING and self._waits()
        if lease is None:
            return None
        try:
            with self._storage.explained():
                storage = LeasedStorage(
                    self._cache,
                    lease,
                    self._space.tried,
                    self._space.limits,
                    is_fresh=not self._space.is_endless,
                )
                if self._space.limits.model is not None:
                    storage.set_trial_system_attr(lease.trial_id, MODEL, self._space.limits.model)
                study = QueuedStudy(self._name, storage, sampler(lease.number), pruner)
                return ClaimedTrial(study, lease.trial_id)
        except BaseException:
            self.hand_back(lease)
            raise

    def _waits(self) -> bool:
        return not self._storage.read(lambda connection: queue.is_over(connection, self._id, rule=self._rule))

    def outlook(self) -> Outlook:
        """Return what may still come for a worker to whom `claim` gave nothing."""
        return self._storage.read(lambda connection: outlook.look(connection, self._id, self._rule))

    def started(self) -> float | None:
        """Return when the first trial was claimed, in seconds since 1970; None before."""
        if self._started is None:  # which never changes afterwards
            found = self._storage.read(
                lambda connection: study_rows.attributes(connection, self._id, (STARTED,))
            )
            self._started = found.get(STARTED)
        return self._started

    def _take(self, worker: str, lease_seconds: float, *, asked_only: bool) -> Lease | None:
        token = secrets.token_hex(16)
        known = self._started is not None
        while True:
            taken = self._storage.transact(
                lambda connection: queue.claim(
                    connection,
                    self._id,
                    token,
                    worker,
                    lease_seconds,
                    has_started=known,
                    asked_only=asked_only,
                    rule=self._rule,
                ),
                got_through=lambda connection, _: leasing.find(connection, token) is not None,
            )
            if taken is not None or self._storage.read(
                lambda connection: queue.is_over(connection, self._id, asked_only=asked_only, rule=self._rule)
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
            return flags.is_requested(connection, self._id)

        return self._storage.transact(work)

    def hand_back(self, held: Trial | Lease, *, afresh: bool = False) -> None:
        """Put a trial back where it was in the queue.

        With `afresh` it loses what it drew and recorded, unless it has a checkpoint.

        Raises:
            LeaseLostError: The lease is over.
        """
        lease = held if isinstance(held, Lease) else self.lease_of(held)
        self._storage.transact(
            lambda connection: leasing.hand_back(connection, lease, afresh=afresh),
            got_through=lambda connection, _: not leasing.is_held(connection, lease),
        )
        self._cache.drawn_from.clear()  # which a trial may have told that has forgotten them

    def draw_again(self, held: Trial | Lease, *, keeping_start: bool = False) -> None:
        """Put a trial back whose parameters lead to nothing that no other trial has, so that it draws others.

        Args:
            held: The trial.
            keeping_start: Whether the values that somebody asked for are asked for again.

        Raises:
            LeaseLostError: The lease is over.
        """
        lease = held if isinstance(held, Lease) else self.lease_of(held)
        self._storage.transact(
            lambda connection: leasing.put_back(connection, lease, as_new=not keeping_start),
            got_through=lambda connection, _: not leasing.is_held(connection, lease),
        )

    def begin_without_parameters(self, lease: Lease) -> int | None:
        """Note that a trial trains a model without parameters; return the number of a trial that already did.

        None says that there is no such trial, or that trials may be alike.

        Raises:
            LeaseLostError: The lease is over.
        """
        if self._space.repeats:
            return None
        return self._storage.transact(
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
        return self._storage.transact(
            lambda connection: reclaiming.interrupt(connection, lease, failure, max_interruptions),
            got_through=lambda connection, _: not leasing.is_held(connection, lease),
        )

    def reclaim_expired(
        self, *, orphan_seconds: float = LEASE_SECONDS, max_interruptions: int = MAX_INTERRUPTIONS
    ) -> list[Released]:
        """Put trials back whose workers are gone; or fail them, if that happened too often.

        Just after the database was away it does nothing: workers that live could not say so meanwhile.

        Args:
            orphan_seconds: How long a trial may run that nobody ever leased.
            max_interruptions: How often a trial may lose its worker.
        """
        found, any_ended = self._storage.read(
            lambda connection: reclaiming.expired(connection, self._id, orphan_seconds)
        )
        if self._storage.patience.is_settling:
            found = []
        released = [self._reclaim(each, max_interruptions) for each in found]
        if any_ended:
            self._storage.transact(lambda connection: reclaiming.drop_ended(connection, self._id))
        return [each for each in released if each is not None]

    def _reclaim(self, found: Expired, max_interruptions: int) -> Released | None:
        try:
            return self._storage.transact(
                lambda connection: reclaiming.reclaim(connection, found, max_interruptions),
                got_through=lambda connection, _: reclaiming.is_reclaimed(connection, found),
            )
        except RacedError:
            return None
