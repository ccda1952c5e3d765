"""The keeper of a lease: a thread that renews it, whatever the training process is doing."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from studyhall.studies.errors import LeaseLostError, StorageError

_T = TypeVar("_T")

RENEWALS_PER_LEASE = 4
OVERSLEPT_SECONDS = 5.0
"""How much later than it wanted to a process wakes that was frozen, or whose machine was suspended."""


def sleep(
    wait: Callable[[float], _T], seconds: float, overslept: Callable[[], object], clock: Callable[[], float]
) -> _T:
    """Wait, and say so where this process was frozen meanwhile; return what the wait does.

    Args:
        wait: Waits for so many seconds, or less.
        seconds: How long.
        overslept: Is told when it took much longer.
        clock: Seconds that pass.
    """
    asleep_at = clock()
    woken = wait(seconds)
    if clock() - asleep_at > seconds + OVERSLEPT_SECONDS:
        overslept()
    return woken


class LeaseKeeper:
    """Renews one lease in time, on a database connection of its own, until the block ends.

    Args:
        renew: Renews the lease; raises LeaseLostError once it is another's.
        seconds: How long the lease holds without renewal.
        overslept: Is told when this process was frozen, before the lease is renewed.
        clock: Seconds that pass.
    """

    def __init__(
        self,
        renew: Callable[[], object],
        seconds: float,
        overslept: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._renew = renew
        self._overslept = overslept
        self._clock = clock
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
        while not self._has_ended():
            try:
                self._renew()
            except LeaseLostError:
                self._lost.set()
                return
            except StorageError:
                continue  # the database is away; whether the lease outlived that, the next renewal tells

    def _has_ended(self) -> bool:
        """Wait until the lease is to be renewed, or until the block ends; say whether it has."""
        return sleep(self._ended.wait, self._interval, self._overslept, self._clock)
