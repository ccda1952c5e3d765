"""The worker's grip on its training process: start it, give it tasks, hear it, stop it."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Self

from studyhall.search.channel import Answer, Assign, Call, Done, Note, Refusal, Refused, Stop, Task
from studyhall.studies.errors import StudyhallError

POLL_SECONDS = 0.2  # how soon a task hears that the worker was told to stop
TAIL_BYTES = 4000  # how much of the process's last output is kept for a crash report
FAREWELL_SECONDS = 5.0


class TrainerCrashedError(Exception):
    """The training process ended in the middle of a task.

    `status` is its exit status as `subprocess` counts them: -9 means killed by signal 9; `output` is the end of what it printed.
    """

    def __init__(self, status: int, output: str) -> None:
        super().__init__(f"the training process ended with status {status}")
        self.status = status
        self.output = output

    @property
    def last_line(self) -> str:
        """The last line of the output that says anything, or an empty text."""
        return next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")


class TrainerProcess:
    """One training process, started on first use and kept from task to task.

    It has a session of its own, so that Ctrl-C in a terminal reaches the worker alone, which then stops it in order. What it and the
    libraries in it print goes to a file, of which the end is shown if it crashes.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process's number, or None where none runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process, if it does not run yet; importing Keras takes it some seconds."""
        if self._process is not None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "studyhall.search.trainer", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1"} | self._environment,
            )
        self._connection = Connection(ours.detach())

    def run(self, task: Task, handle: object, stop_requested: Callable[[], bool]) -> Any:
        """Have the process do one task, serving its calls to `handle`, and return the task's result.

        `stop_requested` is asked every fifth of a second; once it says yes, the task is told to stop.

        Raises:
            TrainerCrashedError: the process ended before the task did.
            StudyhallError: the fault is the study's.
        """
        self.start()
        connection = self._connection
        if connection is None:
            raise RuntimeError("the training process has no connection")
        try:
            connection.send(Assign(task))
            for message in self._messages(connection, stop_requested):
                match message:
                    case Call(method, arguments):
                        connection.send(_answer(handle, method, arguments))
                    case Note(method, arguments):
                        getattr(handle, method)(*arguments)
                    case Done(result):
                        return result
                    case Refused(error):
                        raise error
        except (EOFError, ConnectionError) as error:
            raise self._crash() from error
        raise RuntimeError("the training process stopped answering")

    def _messages(self, connection: Connection, stop_requested: Callable[[], bool]) -> Iterator[Any]:
        told = False
        while True:
            if not told and stop_requested():
                connection.send(Stop())
                told = True
            if wait([connection], timeout=POLL_SECONDS):
                yield connection.recv()

    def _crash(self) -> TrainerCrashedError:
        process = self._process
        if process is None:
            raise RuntimeError("no training process runs")
        self._connection = None
        self._process = None
        try:
            status = process.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        return TrainerCrashedError(status, self._tail())

    def _tail(self) -> str:
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - TAIL_BYTES))
        return self._output.read().decode(errors="replace")

    def close(self) -> None:
        """End the process and forget its output; it cannot be started again."""
        self.stop()
        self._output.close()

    def stop(self) -> None:
        """End the process, by force if it does not end by itself; the next task starts a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            process, self._process = self._process, None
            try:
                process.wait(FAREWELL_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answer(handle: object, method: str, arguments: tuple[Any, ...]) -> Answer | Refusal:
    """Call a handle for the training process; what it refuses is the training process's to handle."""
    try:
        return Answer(getattr(handle, method)(*arguments))
    except (StudyhallError, ValueError) as refusal:
        return Refusal(refusal)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for one task's files, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="studyhall-") as folder:
        yield Path(folder)
