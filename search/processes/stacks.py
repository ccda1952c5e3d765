"""SIGQUIT, which is Ctrl-\\: every thread's stack goes to the standard error, and the process goes on.

What seems to stand still thus says where it is: the worker, its training process, and the workers that it
launched.
"""

import faulthandler
import os
import signal
from contextlib import suppress
from types import FrameType

TYPE_CHECKING = False  # as type checkers know it; these two take long to import
if TYPE_CHECKING:
    import subprocess

_HEADS = "Current thread 0x", "Thread 0x", "stacks of "
_heirs: dict[str, list["subprocess.Popen[bytes] | subprocess.Popen[str]"]] = {}


def show_stacks_on_sigquit() -> None:
    """Have SIGQUIT print the stacks of this process's threads, and then those of processes that it started.

    The first part is done at once, whatever the threads do; the second by the main thread.
    """
    signal.signal(signal.SIGQUIT, _pass_on)
    with suppress(OSError, ValueError, AttributeError):  # no standard error
        faulthandler.register(signal.SIGQUIT, all_threads=True, chain=True)


def show_stacks_in(descriptor: int) -> None:
    """Have SIGQUIT print the stacks of this process's threads to an open file."""
    if descriptor > 2:
        os.set_inheritable(descriptor, False)
    faulthandler.register(signal.SIGQUIT, file=descriptor, all_threads=True)


def share_sigquit(process: "subprocess.Popen[bytes] | subprocess.Popen[str]", what: str) -> None:
    """Pass SIGQUIT on to a process that has been started; `what` says what it is, for people."""
    running = _heirs.setdefault(what, [])
    running[:] = [each for each in running if each.returncode is None] + [process]


def is_of_a_stack(line: str) -> bool:
    """Whether a line of a process's output is one that SIGQUIT had it print."""
    # A traceback's line has a comma before its `in`.
    return line.startswith(_HEADS) or (line.startswith(('  File "', "  <")) and ", in " not in line)


def _pass_on(number: int, frame: FrameType | None) -> None:
    for what, running in _heirs.items():
        for process in running:
            if process.poll() is None:
                with suppress(OSError):
                    os.write(2, f"stacks of {what}, process {process.pid}:\n".encode())
                process.send_signal(number)
