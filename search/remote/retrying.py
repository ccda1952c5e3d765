"""Trying again, a few times, what a server may answer the next time."""

import time
from collections.abc import Callable
from typing import TypeVar

from studyhall.search.remote.errors import TransientError

PAUSES = (0.5, 1.0, 2.0, 4.0)  # s between one try and the next; after the last there is one more

_T = TypeVar("_T")


def persist(
    work: Callable[[], _T],
    progress: Callable[[], int] = lambda: 0,
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """Return what some work returns, trying again while it fails with a TransientError.

    Args:
        work: What to do; a later try goes on from where the last one came to.
        progress: A number that grows when a try came further; then the count of tries starts again.
        sleep: Waits for so many seconds.

    Raises:
        TransientError: The last try failed, too.
    """
    failures, before = 0, progress()
    while True:
        try:
            return work()
        except TransientError as error:
            if (now := progress()) > before:
                failures, before = 0, now
            if failures == len(PAUSES):
                raise
            sleep(max(PAUSES[failures], error.pause))
            failures += 1
