"""A clock that stands while its process does."""

import time
from collections.abc import Callable


class AwakeClock:
    """Seconds that have passed while this process was awake.

    Nobody is late with what could not be done while a process was frozen or a machine suspended, and no time
    has passed where a clock was moved. So between two readings at most `longest` seconds pass: whoever waits
    reads it more often than that.

    Args:
        longest: The most that may pass between two readings, in seconds.
        clock: The clock that is read; by default the machine's.
    """

    def __init__(self, longest: float = 1.0, clock: Callable[[], float] | None = None) -> None:
        self._longest = longest
        self._clock = time.monotonic if clock is None else clock
        self._seconds = 0.0
        self._read_at = self._clock()

    def __call__(self) -> float:
        """Return the seconds since this clock was made."""
        now = self._clock()
        self._seconds += min(max(now - self._read_at, 0.0), self._longest)
        self._read_at = now
        return self._seconds
