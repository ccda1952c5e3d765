"""Signals to a script with a Tuner, which nobody else handles: its clean-up runs, as after Ctrl-C."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys
from studyhall.search.tuner.interruption import terminated_as_interrupted
number = int(sys.argv[1])
try:
    with terminated_as_interrupted():
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            print("handed back", flush=True)
finally:
    assert signal.getsignal(number) is signal.SIG_DFL
"""


@pytest.mark.parametrize("number", [15, 1])
def test_a_script_that_is_told_to_end_hands_its_trial_back(number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"{number}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "handed back\n", "")
