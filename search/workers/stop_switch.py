"""The switch that tells a worker to stop, and the signals that turn it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

POLL_SECONDS = 0.1
SAME_REQUEST_SECONDS = (
    3.0  # schedulers and launchers may each pass on one request: Slurm sends two SIGTERMs at once
)


class StopSwitch:
    """Remembers that the worker was told to stop.

    It is set from signal handlers, where nothing that takes a lock, such as an Event, is safe.
    """

    def __init__(self) -> None:
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
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stopped:
                if number == signal.SIGTERM and time.monotonic() - self._told_at < SAME_REQUEST_SECONDS:
                    return
                os._exit(128 + number)  # no clean-up: the lease and the training process end by themselves
            self.set()

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
