"""The keeper of a lease: a thread that renews it, whatever the training process is doing."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from studyhall.studies.errors import LeaseLostError, StorageError

RENEWALS_PER_LEASE = 4


class LeaseKeeper:
    """Renews one lease in time, on a database connection of its own, until the block ends.

    Args:
        renew: Renews the lease; raises LeaseLostError once it is another's.
        seconds: How long the lease holds without renewal.
    """

    def __init__(
        self,
        renew: Callable[[], object],
        seconds: float,
    ) -> None:
        self._renew = renew
        self._interval = seconds / RENEWALS_PER_LEASE
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
        """Whether it is another's by now."""
        return self._lost.is_set()

    def _keep(self) -> None:
        while not self._ended.wait(self._interval):
            try:
                self._renew()
            except LeaseLostError:
                self._lost.set()
                return
            except StorageError:
                continue  # the database is away; whether the lease outlived that, the next renewal tells
