"""The keeper of a lease: a thread that renews it while the trial trains, whatever the training process is doing."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from studyhall.studies.errors import LeaseLostError, StorageError
from studyhall.studies.leases import Lease
from studyhall.studies.study import Study

RENEWALS_PER_LEASE = 4


class LeaseKeeper:
    """Renews one lease in time, on a database connection of its own, until the block ends.

    Args:
        study: the study of the trial.
        lease: the lease.
        seconds: how long the lease holds without renewal.
        at_epoch: returns how many epochs the trial has finished, for whoever watches.
        at_renewal: called after each renewal with whether the study was asked to stop.
    """

    def __init__(
        self,
        study: Study,
        lease: Lease,
        seconds: float,
        at_epoch: Callable[[], int],
        at_renewal: Callable[[bool], None] | None = None,
    ) -> None:
        self._study = study
        self._lease = lease
        self._interval = seconds / RENEWALS_PER_LEASE
        self._at_epoch = at_epoch
        self._at_renewal = at_renewal
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    @property
    def lost(self) -> bool:
        """Whether the trial is another worker's by now."""
        return self._lost.is_set()

    def _keep(self) -> None:
        while not self._ended.wait(self._interval):
            try:
                stopping = self._study.renew(self._lease, epoch=self._at_epoch())
            except LeaseLostError:
                self._lost.set()
                return
            except StorageError:
                continue  # the database is away; whether the lease outlived that, the next renewal tells
            if self._at_renewal is not None:
                self._at_renewal(stopping)
