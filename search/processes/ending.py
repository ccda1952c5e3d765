"""How this process waits for the end of one that it started, whatever becomes of the clocks."""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

_Process = subprocess.Popen[bytes] | subprocess.Popen[str]


def ended_within(process: _Process, seconds: float) -> bool:
    """Wait until a process has ended, for so many seconds at most, and say whether it has.

    `Popen.wait` with a time sleeps until moments of a clock, and raises an error where that clock is moved.
    """
    if process.returncode is not None:
        return True
    if sys.platform == "linux":
        with suppress(OSError):  # no file may be opened any more
            watched = os.pidfd_open(process.pid)
            try:
                poll = select.poll()
                poll.register(watched, select.POLLIN)
                return bool(poll.poll(max(0.0, seconds) * 1000))
            finally:
                os.close(watched)
    with suppress(subprocess.TimeoutExpired, OSError):
        process.wait(seconds)
    return process.poll() is not None


def see_off(process: _Process, seconds: float) -> int:
    """Wait until a process with a session of its own has ended, and end it by force after so many seconds.

    What it has started itself is told to end, too. It returns the exit status, as `subprocess` counts.
    """
    if not ended_within(process, seconds):
        process.kill()
        ended_within(process, seconds)
    if process.returncode is None:
        # Not by force: multiprocessing's own processes remove what it has left in shared memory.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
    return process.wait()
