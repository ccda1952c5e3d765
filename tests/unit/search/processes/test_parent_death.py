"""A process ends with its parent, even where it would notice nothing by itself."""

import os
import select
import signal
import subprocess
import sys

import pytest

CHILD = """
import os, signal, sys
from studyhall.search.processes.signals import die_with_parent
die_with_parent(int(sys.argv[1]))
print(os.getpid(), flush=True)
signal.pause()
"""
# It starts the child in a session of its own, as a worker starts its training process, and waits for it.
PARENT = f"""
import os, subprocess, sys
subprocess.run([sys.executable, "-c", {CHILD!r}, str(os.getpid())], start_new_session=True)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")


def test_child_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        gone = os.pidfd_open(child)
        try:
            parent.kill()
            ended, _, _ = select.select([gone], [], [], 10.0)
            if not ended:
                signal.pidfd_send_signal(gone, signal.SIGKILL)
        finally:
            os.close(gone)
    assert ended, "the child outlived its parent"


def test_child_whose_parent_is_gone_already_ends_at_once() -> None:
    # Of another parent than this process, as after a fork that took long.
    command = [sys.executable, "-c", CHILD, str(os.getppid())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "")
