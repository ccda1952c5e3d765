"""Signals to a command that has nothing to hand back: they unwind its stack, from its first import on.

This module imports little: what comes before `Interruption.heed` is what a signal ends without a word.
"""

import os
import signal
import sys
import time
from types import FrameType

from studyhall.search.processes.signals import heeded, is_same_request, let_signals_in, status_after

TYPE_CHECKING = False  # as type checkers know it; `typing` takes long to import
if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_SECONDS = 0.01


class Terminated(SystemExit):
    """A signal came where nothing was to be handed back; it unwinds the stack as Ctrl-C does."""


class Interruption:
    """The first ending signal that a command heard, if any.

    Attributes:
        signal: Its number; None before.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._at = 0.0
        self._status: int | None = None
        self._report = sys.unraisablehook

    def heed(self) -> None:
        """Have the first ending signal raise KeyboardInterrupt or `Terminated`, and a second one end all."""
        sys.unraisablehook = self._not_raised
        for each in heeded():
            signal.signal(each, self._leave)
        let_signals_in()

    def over(self, status: int) -> None:
        """Say that the work is done; from now on a signal ends the process with this exit status."""
        self._status = status
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                # Whoever read it has gone; Python must not complain when it closes the stream.
                setattr(sys, name, None)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        if self._status is not None:
            os._exit(self._status)
        if self.signal is not None:
            if is_same_request(number, time.monotonic() - self._at):
                return
            os._exit(status_after(number))
        self.signal, self._at = number, time.monotonic()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Terminated(status_after(number))

    def _not_raised(self, unraisable: "UnraisableHookArgs") -> None:
        """Have a signal heard that came where Python drops exceptions, as in a weak reference's callback."""
        if self.signal is None or not issubclass(unraisable.exc_type, KeyboardInterrupt | Terminated):
            self._report(unraisable)
            return
        again, self.signal = self.signal, None

        def send() -> None:
            time.sleep(AGAIN_SECONDS)
            os.kill(os.getpid(), again)

        import threading

        # By a thread, because a signal that came in here would be dropped, too.
        threading.Thread(target=send, daemon=True).start()
