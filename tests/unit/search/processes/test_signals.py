"""SIGTERM as schedulers send it: to all processes of a job, and more than once."""

import os
import signal
import subprocess
import sys

import pytest

from studyhall.search.processes.signals import SAME_REQUEST_SECONDS, signals_held_back

TRAINER = """
import os, signal, sys, time
print("started", flush=True)
sys.stdin.readline()
from studyhall.search.processes.signals import leave_stopping_to_the_worker
leave_stopping_to_the_worker()
child = os.fork()
if child == 0:
    print(os.getpid(), flush=True)
    time.sleep(20)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
STOPPED_TWICE = """
import os, signal, sys
from studyhall.search.processes import signals, stop_switch
signals.SAME_REQUEST_SECONDS = float(sys.argv[1])
stop, told = stop_switch.StopSwitch(), []
stop.on_set(lambda: told.append("once"))
with stop.on_signals():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop() and told == ["once"]
"""


@pytest.mark.parametrize(
    ("same_request_seconds", "status"), [(SAME_REQUEST_SECONDS, 0), (0.0, 128 + signal.SIGTERM)]
)
def test_a_second_sigterm_ends_a_worker_at_once_unless_it_is_of_the_same_request(
    same_request_seconds: float, status: int
) -> None:
    command = [sys.executable, "-c", STOPPED_TWICE, f"{same_request_seconds}"]
    assert subprocess.run(command, timeout=30, check=False).returncode == status


def test_a_training_process_outlives_sigterm_from_its_start_and_its_own_processes_do_not() -> None:
    with signals_held_back():
        trainer = subprocess.Popen(
            [sys.executable, "-c", TRAINER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    with trainer:
        assert trainer.stdin is not None
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == "started\n"
        trainer.send_signal(signal.SIGTERM)  # while it imports its framework
        trainer.stdin.write("go on\n")
        trainer.stdin.close()
        child = int(trainer.stdout.readline())
        trainer.send_signal(signal.SIGTERM)
        os.kill(child, signal.SIGTERM)
        assert trainer.stdout.readline() == f"{-signal.SIGTERM}\n"
        assert trainer.wait(30) == 0
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.SIGTERM not in blocked
