"""Patience with a database: what fails for a passing reason is tried again for a set time."""

import random
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from studyhall.studies.awake_clock import AwakeClock
from studyhall.studies.database.address import Address
from studyhall.studies.database.connection import failure
from studyhall.studies.database.outages import is_away, is_conflict, root
from studyhall.studies.errors import StorageError

WORKER_PATIENCE_SECONDS = 600.0
"""How long a worker waits for a database that is away."""

SETTLING_SECONDS = 10.0
"""How long after an outage those that live may take to be heard of: they try again after pauses of 5 s."""

# What one try may use up of the patience: a machine that is suspended for a night loses no more of it.
LONGEST_TRY_SECONDS = 30.0

_CONFLICTS = 20  # retries for conflicts with other transactions, whatever the patience
_FIRST_PAUSE = 0.05  # s, doubled each time
_LONGEST_PAUSE = 5.0  # s
_GLANCE = 0.1  # s; how soon a pause hears of hurry

_T = TypeVar("_T")


def _ignore(error: StorageError) -> None:
    """Nobody is told."""


class Patience:
    """How long to wait for a database, all in all, before an operation on it fails.

    Args:
        seconds: The time; 0 waits for nothing but other transactions.
        notice: Is told of an outage when the waiting begins, once for each operation that waits.
    """

    def __init__(self, seconds: float = 0.0, notice: Callable[[StorageError], None] = _ignore) -> None:
        self.seconds = seconds
        self.notice = notice
        self._end = float("inf")
        self._silent_until = float("-inf")
        self._clock = AwakeClock(LONGEST_TRY_SECONDS)

    def note_silence(self) -> None:
        """Note that nobody could be heard until now: the database is away, or this process was frozen."""
        self._silent_until = time.monotonic()

    @property
    def is_settling(self) -> bool:
        """Whether nobody could be heard a moment ago, so that silence says nothing of other processes."""
        return time.monotonic() - self._silent_until < SETTLING_SECONDS

    def hurry(self, seconds: float) -> None:
        """From now on, wait no longer than this for anything, what is waited for already included.

        It may be called from a signal handler.
        """
        self._end = min(self._end, self._clock() + seconds)

    def deadline(self) -> float:
        """Until when an operation that begins now may wait, for `is_over`."""
        return min(self._clock() + self.seconds, self._end)

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond what `hurry` said meanwhile."""
        end = self._clock() + seconds
        while (left := min(end, self._end) - self._clock()) > 0:
            time.sleep(min(left, _GLANCE))

    def is_over(self, deadline: float) -> bool:
        """Whether an operation with such a deadline has waited long enough."""
        return self._clock() >= min(deadline, self._end)


def persist(address: Address, patience: Patience, operation: Callable[[], _T]) -> _T:
    """Do an operation on a database until it gets through.

    Raises:
        StorageError: The database refuses it for good, or for longer than patience allows.
    """
    deadline = patience.deadline()
    noticed = False
    for tries in count():
        try:
            return operation()
        except _failures() as error:
            told = failure(address, root(error))
            in_the_way = is_conflict(error)
            if is_away(error):
                patience.note_silence()
            if not (in_the_way and tries < _CONFLICTS):
                if not (in_the_way or is_away(error)) or patience.is_over(deadline):
                    raise told from error
                if not noticed:
                    noticed = True
                    patience.notice(told)
        pause = min(_FIRST_PAUSE * 2 ** min(tries, 16), _LONGEST_PAUSE)
        patience.sleep(random.uniform(pause / 2, pause))  # so that those who fail together return one by one
    raise AssertionError("counting does not end")


def _failures() -> tuple[type[BaseException], ...]:
    # The second is how Optuna wraps the first; it is not imported here, for commands that do without it
    # answer at once.
    wrapper = sys.modules.get("optuna.exceptions")
    return (SQLAlchemyError,) if wrapper is None else (SQLAlchemyError, wrapper.StorageInternalError)
