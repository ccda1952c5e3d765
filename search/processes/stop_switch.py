"""The switch that tells a worker to stop, and the signals that turn it."""

import math
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from studyhall.search.processes.signals import ENDING, heeded, is_same_request, status_after

POLL_SECONDS = 0.1
_SHOW_CURSOR = b"\x1b[?25h"


class StoppedError(Exception):
    """The work was ended by a signal before it was done; whoever catches it has nothing left to say."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number
        self.exit_status = status_after(number)


def signal_of(status: int) -> int | None:
    """Return the ending signal that ended a process with a status, as `subprocess` counts.

    It returns None if none did.

    The process may have handed back its trial (129, 130, 143), or not have come so far.
    """
    return next((number for number in ENDING if status in (status_after(number), -number)), None)


def was_interrupted(status: int) -> bool:
    """Whether an ending signal ended a process with a status, as `subprocess` counts."""
    return signal_of(status) is not None


class StopSwitch:
    """Remembers that the worker was told to stop.

    It is set from signal handlers, where nothing that takes a lock, such as an Event, is safe.

    Attributes:
        signal: The number of the first signal that set it; None before, and where no signal did.
        last_words: What is said where a second signal ends the process at once, and a trial in hand stays as
            it is.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.last_words = ""
        self._stopped = False
        self._told_at = 0.0
        self._listeners: list[Callable[[], None]] = []

    def set(self) -> None:
        """Tell the worker to stop after the current batch."""
        if not self._stopped:
            self._told_at = time.monotonic()
        self._stopped = True
        for listener in self._listeners:
            listener()

    def on_set(self, listener: Callable[[], None]) -> None:
        """Have a function called when the worker is told to stop."""
        self._listeners.append(listener)

    def __call__(self) -> bool:
        return self._stopped

    def wait(self, seconds: float) -> bool:
        """Wait until told to stop, or until the seconds are over; say which."""
        steps = math.ceil(seconds / POLL_SECONDS)
        for _ in range(steps):
            if self._stopped:
                break
            # Unlike `time.sleep`, it knows no moment to wait for, which a clock that is set could move away.
            select.select([], [], [], seconds / steps)
        return self._stopped

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Turn the first ending signal into a stop request; a later one ends the process at once.

        One that is the same request again, as schedulers send it, does nothing.
        """
        before = {number: signal.getsignal(number) for number in heeded()}

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stopped:
                if not is_same_request(number, time.monotonic() - self._told_at):
                    self._leave_at_once(number)
                return
            self.signal = number
            self.set()

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _leave_at_once(self, number: int) -> None:
        """End the process without tidying up: the lease and the training process end by themselves."""
        with suppress(OSError):
            if os.isatty(1):
                os.write(1, _SHOW_CURSOR)
            os.write(2, f"{self.last_words}\n".encode() if self.last_words else b"")
        os._exit(status_after(number))
