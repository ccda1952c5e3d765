"""The worker's grip on its training process: start it, give it tasks, hear it, stop it, replace it."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import IO, Any, Self

from studyhall.search.core.machine import fault_in
from studyhall.search.devices.host_memory import resident_memory
from studyhall.search.processes.channel import (
    Answer,
    Assign,
    Call,
    Done,
    Note,
    Refusal,
    Refused,
    RetrainTask,
    Stop,
    Task,
    TrialTask,
)
from studyhall.search.processes.death import Death, host_kills
from studyhall.search.processes.ending import see_off
from studyhall.search.processes.last_words import last_words
from studyhall.search.processes.limits import Limits
from studyhall.search.processes.signals import signals_held_back
from studyhall.search.processes.stacks import share_sigquit
from studyhall.studies.awake_clock import AwakeClock
from studyhall.studies.errors import MachineError, StudyhallError
from studyhall.studies.queue.failure_kind import FailureKind

POLL_SECONDS = 0.2  # how soon a task hears that the worker was told to stop
TAIL_BYTES = 4000  # how much of the process's last output is kept for a crash report
FAREWELL_SECONDS = 5.0
# How long importing the framework and loading the data may take before a task is heard of.
START_SECONDS = 180.0
# What one call of the process's may use up of the time that a stop may take, even if the worker was frozen.
LONGEST_CALL_SECONDS = 5.0


class TrainerCrashedError(Exception):
    """The training process ended in the middle of a task; `output` is the end of what it printed."""

    def __init__(self, death: Death, output: str) -> None:
        super().__init__(str(death))
        self.death = death
        self.output = output

    @property
    def reason(self) -> str:
        """One line: how it ended, and the last telling line it printed, if that may be why."""
        last = "" if self.death.is_explained else last_words(self.output)
        return f"{self}: {last}" if last else str(self)

    def raise_if_machines(self) -> None:
        """Raise MachineError where the machine was at fault, and not what was run."""
        fault = fault_in(self.output) if self.death.kind is FailureKind.CRASHED else None
        if fault is not None:
            raise MachineError(fault) from self


class TrainerStoppedError(Exception):
    """The training process was told to stop and did not in time, so it was killed."""


class TrainerProcess:
    """One training process, started on first use and kept from task to task.

    It has a session of its own, so that Ctrl-C in a terminal reaches the worker alone, which then stops it in
    order. What it and the libraries in it print goes to a file, of which the end is shown if it crashes. It
    ends with the worker, however that ended.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, limits: Limits | None = None) -> None:
        self._environment = dict(environment or {})
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._tasks = 0
        self._has_spoken = False
        self._killed_for: FailureKind | None = None
        self._kills_before = 0
        self._output: IO[bytes] | None = None  # its file; made with the first process

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
        if self._output is None:
            self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._output.seek(0)
        self._output.truncate()
        ours, theirs = socket.socketpair()
        with theirs, ours, _copy_of(2) as errors, signals_held_back():
            shared = [theirs.fileno(), *errors]
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "studyhall.search.processes.trainer_main",
                    str(theirs.fileno()),
                    str(os.getpid()),
                    *map(str, errors),
                ],
                pass_fds=shared,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1"} | self._environment,
            )
            share_sigquit(self._process, "the training process")
            self._connection = Connection(ours.detach())
        self._tasks, self._killed_for, self._kills_before = 0, None, host_kills()
        self._has_spoken = False

    def run(self, task: Task, handle: object, stop_requested: Callable[[], bool]) -> Any:
        """Have the process do one task, serving its calls to `handle`, and return the task's result.

        `stop_requested` is asked every fifth of a second; once it says yes, the task is told to stop.

        Raises:
            TrainerCrashedError: The process ended before the task did, or was killed for breaking a limit.
            TrainerStoppedError: It did not stop in time.
            StudyhallError: The fault is the study's.
        """
        if self._is_worn_out():
            self.stop()
        self.start()
        connection = self._connection
        if connection is None:
            raise RuntimeError("the training process has no connection")
        self._tasks += 1
        try:
            connection.send(Assign(task))
            for message in self._messages(connection, task, stop_requested):
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

    def _messages(
        self, connection: Connection, task: Task, stop_requested: Callable[[], bool]
    ) -> Iterator[Any]:
        trains = isinstance(task, TrialTask | RetrainTask)
        since_told: AwakeClock | None = None
        clock = AwakeClock()
        heard_at, patience = clock(), max(self._limits.stall_seconds, START_SECONDS)
        while True:
            if since_told is None and stop_requested():
                # Importing its framework may take longer than a stop; and what does not train has nothing to
                # hand back.
                if not (self._has_spoken and trains):
                    self.kill()
                    raise TrainerStoppedError
                connection.send(Stop())
                since_told = AwakeClock(LONGEST_CALL_SECONDS)
            if since_told is not None and since_told() > self._limits.stop_seconds:
                self.kill()
                raise TrainerStoppedError
            if wait([connection], timeout=POLL_SECONDS):
                message = connection.recv()
                self._has_spoken = True
                yield message
                heard_at = clock()  # after the worker's own part, which may take long
                patience = self._limits.stall_seconds
            elif self._killed_for is None:
                if trains and clock() - heard_at > patience:
                    self._kill_for(FailureKind.STALLED)
                elif self._memory() > self._limits.memory_bytes:
                    self._kill_for(FailureKind.OOM)

    def _memory(self) -> int:
        return resident_memory(self._process.pid) if self._process is not None else 0

    def _is_worn_out(self) -> bool:
        if self._process is None:
            return False
        return self._tasks >= self._limits.tasks or self._memory() > self._limits.memory_bytes // 2

    def _kill_for(self, kind: FailureKind) -> None:
        self._killed_for = kind
        if self._process is not None:
            self._process.kill()

    def _crash(self) -> TrainerCrashedError:
        process, self._process = self._process, None
        if process is None:
            raise RuntimeError("no training process runs")
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        status = see_off(process, FAREWELL_SECONDS)
        death = Death(status, self._killed_for, host_kills() > self._kills_before)
        return TrainerCrashedError(death, self._tail())

    def _tail(self) -> str:
        if self._output is None:
            return ""
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - TAIL_BYTES))
        return self._output.read().decode(errors="replace")

    def close(self) -> None:
        """End the process and forget its output; it cannot be started again."""
        self.stop()
        if self._output is not None:
            self._output.close()

    def kill(self) -> None:
        """End the process by force; the next task starts a new one."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def stop(self) -> None:
        """End the process, by force if it does not end by itself; the next task starts a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            process, self._process = self._process, None
            see_off(process, FAREWELL_SECONDS)


def _answer(handle: object, method: str, arguments: tuple[Any, ...]) -> Answer | Refusal:
    """Call a handle for the training process; what it refuses is the training process's to handle.

    A lease that is lost too: a training process that waits for an answer would never hear of its next task.
    """
    try:
        return Answer(getattr(handle, method)(*arguments))
    except (StudyhallError, ValueError) as refusal:
        return Refusal(refusal)


@contextmanager
def _copy_of(descriptor: int) -> Iterator[list[int]]:
    """Hold a second descriptor of an open file, in a list; the list is empty where it is not open."""
    try:
        copies = [os.dup(descriptor)]
    except OSError:
        copies = []
    try:
        yield copies
    finally:
        for each in copies:
            os.close(each)
