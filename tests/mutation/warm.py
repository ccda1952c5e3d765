"""Runs tests again and again, in processes forked from one that has imported the frameworks: much is saved by that.

Reads a JSON list from each line of its standard input, of seconds and what pytest is to be told; answers each with
pytest's exit status, or -1 where the time was over. It imports nothing of ours, which is what changes in between.
"""

import contextlib
import json
import os
import signal
import sys
import time

# As tests/conftest.py sets them, which comes after TensorFlow's import here.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import httpx  # noqa: F401
import keras  # noqa: F401
import keras_tuner  # noqa: F401
import optuna  # noqa: F401
import pydantic  # noqa: F401
import pytest
import starlette  # noqa: F401
import tensorflow  # noqa: F401


def status(seconds: float, arguments: list[str]) -> int:
    """Run pytest in a process of its own; whatever it leaves behind is killed."""
    child = os.fork()
    if not child:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        code = 1
        with contextlib.suppress(BaseException):
            code = int(pytest.main(arguments))
        os._exit(code)
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            ended, result = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(result)
            time.sleep(0.05)
        return -1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


for line in sys.stdin:
    print(status(*json.loads(line)), flush=True)  # noqa: T201
