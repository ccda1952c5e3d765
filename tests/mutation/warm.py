"""Runs tests again and again, in processes forked from one that has imported the frameworks: much is saved by
that.

Reads a JSON list from each line of its standard input, of seconds and what pytest is to be told; answers each
with pytest's exit status, or -1 where the time was over. It imports nothing of ours, which is what changes in
between.
"""

import contextlib
import json
import os
import signal
import sys
import time

# As tests/conftest.py sets them, which comes after TensorFlow's import here.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import boto3  # type: ignore[import-untyped]  # noqa: F401
import fastapi  # noqa: F401
import httpx  # noqa: F401
import hypothesis.strategies  # noqa: F401
import keras  # noqa: F401
import keras_tuner  # noqa: F401
import optuna.storages  # noqa: F401
import optuna_dashboard  # noqa: F401
import pytest
import sqlalchemy.orm  # noqa: F401
import tensorflow  # noqa: F401

# What these plugins import would take longer than most tests; hypothesis's own asserts need not be told in
# full.
_QUICKLY = ["-p", "no:schemathesis", "-p", "no:xdist"]
_QUICKLY += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]


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
            code = int(pytest.main([*_QUICKLY, *arguments]))
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
