"""SIGTERM as schedulers send it, to all processes of a job at once: stopping is the worker's part, not the training process's."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sigterm_held_back() -> Iterator[None]:
    """Have processes that are started in the block not hear SIGTERM before they say what to do about it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_stopping_to_the_worker() -> None:
    """Have this process outlive SIGTERM; those that it starts do not."""
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # unlike SIG_IGN, it ends with exec
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
