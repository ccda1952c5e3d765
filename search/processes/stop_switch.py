"""The switch that tells a worker to stop, and the signals that turn it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

POLL_SECONDS = 0.1
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Schedulers and launchers may each pass on one request: Slurm sends two SIGTERMs at once.
SAME_REQUEST_SECONDS = 3.0


class StoppedError(Exception):
    """The work was ended by a signal before it was done; whoever catches it has nothing left to say."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number
        self.exit_status = status_after(number)


def status_after(number: int) -> int:
    """Return the exit status of a process that a signal has ended, as shells count: 130 after Ctrl-C."""
    return 128 + number


def signal_of(status: int) -> int | None:
    """Return the signal, SIGINT or SIGTERM, that ended a process with a status, as `subprocess` counts.

    It returns None if no signal did.

    The process may have handed back its trial (130, 143), or not have come so far.
    """
    return next((number for number in SIGNALS if status in (status_after(number), -number)), None)


def was_interrupted(status: int) -> bool:
    """Whether SIGINT or SIGTERM ended a process with a status, as `subprocess` counts."""
    return signal_of(status) is not None


class StopSwitch:
    """Remembers that the worker was told to stop.

    It is set from signal handlers, where nothing that takes a lock, such as an Event, is safe. `signal` is
    the number of the first signal that did it, None before, and where no signal did.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
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
        until = time.monotonic() + seconds
        while not self._stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))
        return self._stopped

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Turn the first SIGINT or SIGTERM into a stop request; a later one ends the process at once.

        A SIGTERM that comes within three seconds of the request is the same one.
        """
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stopped:
                if number == signal.SIGTERM and time.monotonic() - self._told_at < SAME_REQUEST_SECONDS:
                    return
                # No clean-up: the lease and the training process end by themselves.
                os._exit(status_after(number))
            self.signal = number
            self.set()

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
