"""The signals that ask a process to end, as terminals and schedulers send them: to all processes of a job.

The worker alone heeds them; its training process is told by the worker. This module imports little, because a
process must say what it does about signals before it imports anything that takes time.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TYPE_CHECKING = False  # as type checkers know it; `typing` takes long to import
if TYPE_CHECKING:
    from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a scheduler, and a terminal that is closed."""

HELD = frozenset({*ENDING, signal.SIGQUIT})
"""Signals that a process must not hear before it has said what to do about them."""

# Schedulers and launchers may each pass on one request: Slurm sends two SIGTERMs at once.
SAME_REQUEST_SECONDS = 3.0


def heeded() -> list[signal.Signals]:
    """Return the ending signals that this process is to obey: `nohup` has a hang-up ignored."""
    return [each for each in ENDING if each != signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN]


def status_after(number: int) -> int:
    """Return the exit status of a process that a signal has ended, as shells count: 130 after Ctrl-C."""
    return 128 + number


def is_same_request(number: int, seconds: float) -> bool:
    """Whether a signal that comes so many seconds after a request to end is that request once more.

    A hang-up always is: the terminal goes once, and nobody presses it in a hurry.
    """
    return number == signal.SIGHUP or (number == signal.SIGTERM and seconds < SAME_REQUEST_SECONDS)


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Have processes that are started in the block hear no signal before they say what to do about it.

    Nor does this thread hear one in the block: a process that has started is always known to its starter.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_signals_in() -> None:
    """Hear what was held back, now that this process has said what to do about it."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)


def leave_stopping_to_the_worker() -> None:
    """Have this process outlive the ending signals; those that it starts do not."""
    defaults: dict[int, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    for each in ENDING:
        signal.signal(each, lambda number, frame: None)  # unlike SIG_IGN, it ends with exec

    def heed_again() -> None:
        for each, default in defaults.items():
            signal.signal(each, default)

    os.register_at_fork(after_in_child=heed_again)
    let_signals_in()


_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; elsewhere than on Linux, do nothing.

    Args:
        parent: The parent's process number; if it is gone already, this process ends here.
    """
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
