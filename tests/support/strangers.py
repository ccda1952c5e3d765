"""A process that has imported Keras and forks for each model that a stranger is to load, in less time."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studyhall.search.training import stranger

_FORKING = """
import io, json, os, runpy, sys
from contextlib import redirect_stdout
from pathlib import Path
stranger = runpy.run_path(sys.argv[1], run_name="stranger")
print("ready", flush=True)
for line in sys.stdin:
    folder = Path(json.loads(line))
    if os.fork() == 0:
        os.chdir(folder)
        printed = io.StringIO()
        with redirect_stdout(printed):
            stranger["main"](folder)
        print(json.dumps(printed.getvalue()), flush=True)
        os._exit(0)
    if os.wait()[1] != 0:
        print(json.dumps(None), flush=True)
"""


class ForkingStranger:
    """Runs `stranger.py` as `subprocess.run` would, in forks of a process that has imported Keras."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, command: list[str], *, timeout: float, **options: Any) -> subprocess.CompletedProcess[str]:
        """Take the place of `subprocess.run` for the stranger's command."""
        assert command[:3] == [sys.executable, "-I", stranger.__file__], command
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command[3]) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(command, timeout)
        printed = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(command, printed is None, printed or "", "it ended in an error")


@contextmanager
def forking_stranger(folder: Path) -> Iterator[ForkingStranger]:
    """Start the process; it ends with the block."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-I", "-c", _FORKING, stranger.__file__]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield ForkingStranger(process)
        process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
