"""Waiting for the end of a process: by no clock that can be moved, and with what that process has started."""

import signal
import subprocess
import sys
import time

import pytest

from studyhall.search.processes.ending import ended_within, see_off

WITH_A_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print("ready", flush=True)
sys.stdin.readline()
import os
os._exit(3)
"""


def test_a_process_that_runs_has_not_ended_and_one_that_ended_has() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert not ended_within(process, 0.05)
        process.stdin.write(b"\n")
        process.stdin.close()
        assert ended_within(process, 30)
        assert process.wait() == 0
        assert ended_within(process, 30)


def test_it_is_no_error_that_clocks_are_moved_while_a_process_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(seconds: float) -> None:
        raise OSError(22, "Invalid argument")

    times = iter(range(0, -(10**9), -1000))
    monkeypatch.setattr(time, "sleep", refuse)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(times)))
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    assert process.stdin is not None
    with process.stdin:
        assert see_off(process, 0.05) == -signal.SIGKILL


def test_what_a_process_has_started_is_told_to_end_with_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_A_CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert see_off(process, 30) == 3
        # The pipe ends when the last process that could write to it has ended.
        assert process.stdout.read() == b""
