"""Silence for what libraries print from C++ when they are imported and start."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def quiet_native_output() -> Iterator[Console]:
    """Send file descriptor 2 to nowhere inside the block; yield a console that still writes to the real one.

    Python's own `sys.stderr` still writes to the real one, too: warnings and tracebacks are seen.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    real = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    before = sys.stderr
    try:
        with open(real, "w", buffering=1, closefd=False) as stream:
            sys.stderr = stream
            try:
                yield Console(file=stream)
            finally:
                sys.stderr = before
    finally:
        os.dup2(real, 2)
        os.close(real)
