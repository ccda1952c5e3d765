"""The two ends of the pipe between a worker, which owns the study, and its training process, which trains.

The training process never touches the study: it calls its trial's handle over the pipe. Messages are pickled
by `multiprocessing.connection`; both ends are the same user's processes on one machine.
"""

import os
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution

from studyhall.search.core.handle import Start
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StudyhallError
from studyhall.studies.values import Value


@dataclass(frozen=True)
class Job:
    """What every task needs: the definition, and a folder to leave files in."""

    definition: Definition
    scratch: Path


@dataclass(frozen=True)
class CheckTask:
    """Rehearse a trial of the default model, and tell what training reports.

    Of the `configurations` is told whether they can be built. `thorough` rehearses the retraining and the
    loading of the model, too.
    """

    job: Job
    configurations: tuple[dict[str, Value], ...] = ()
    thorough: bool = False


@dataclass(frozen=True)
class TrialTask:
    """Train one trial."""

    job: Job
    number: int
    seed: int
    start: Start
    resume_from: Path | None = None


@dataclass(frozen=True)
class RetrainTask:
    """Train the best configuration for longer."""

    job: Job
    number: int
    seed: int
    hyperparameters: dict[str, Value]


@dataclass(frozen=True)
class AppraiseTask:
    """Score a model and draw its pictures; `folder` holds `model.keras` and `history.json`."""

    job: Job
    folder: Path


Task = CheckTask | TrialTask | RetrainTask | AppraiseTask


@dataclass(frozen=True)
class Assign:
    """Worker to training process: do this task; `Done` or `Refused` answers it."""

    task: Task


@dataclass(frozen=True)
class Answer:
    """Worker to training process: what a `Call` returned."""

    value: Any


@dataclass(frozen=True)
class Refusal:
    """Worker to training process: what a `Call` raised."""

    error: Exception


@dataclass(frozen=True)
class Stop:
    """Worker to training process: leave the task in hand between two batches."""


@dataclass(frozen=True)
class Call:
    """Training process to worker: call a method of the trial's handle, and answer."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Note:
    """Training process to worker: call a method of the trial's handle; nobody waits for it."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Done:
    """Training process to worker: the task's result."""

    result: Any


@dataclass(frozen=True)
class Refused:
    """Training process to worker: the task cannot be done, and the fault is the study's."""

    error: StudyhallError


class TrainerEnd:
    """The training process's end: tasks come out, calls and results go in.

    A thread of its own reads the pipe, so that a stop request is seen between two batches, and so that the
    process ends at once when its worker is gone.
    """

    def __init__(self, connection: Connection, on_worker_gone: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._on_worker_gone = on_worker_gone or (lambda: os._exit(1))
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer | Refusal] = queue.SimpleQueue()
        self._stop = threading.Event()
        threading.Thread(target=self._read, name="channel", daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                self._on_worker_gone()
                return
            match message:
                case Assign(task):
                    self._stop.clear()
                    self._tasks.put(task)
                case Stop():
                    self._stop.set()
                case _:
                    self._answers.put(message)

    def next_task(self) -> Task:
        """Wait for the next task."""
        return self._tasks.get()

    def send(self, message: Call | Note | Done | Refused) -> None:
        """Send one message to the worker."""
        self._connection.send(message)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the trial's handle in the worker, and return or raise what it does."""
        self.send(Call(method, arguments))
        answer = self._answers.get()
        if isinstance(answer, Refusal):
            raise answer.error
        return answer.value

    @property
    def stop_requested(self) -> bool:
        """Whether the worker asked for the current task to be left."""
        return self._stop.is_set()


class RemoteHandle:
    """A trial's handle in the training process: every call goes to the worker's own handle."""

    def __init__(self, end: TrainerEnd, number: int, seed: int, start: Start | None = None) -> None:
        self._end = end
        self.number = number
        self.seed = seed
        self.start = start or Start()

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        """Ask the worker for a parameter's value."""
        answer: Value = self._end.call("suggest", name, distribution, value)
        return answer

    def report(self, step: int, value: float, *others: float) -> bool:
        """Tell the worker an epoch's values, and hear whether to prune."""
        return bool(self._end.call("report", step, value, *others))

    def record(self, facts: Mapping[str, Any]) -> None:
        """Have the worker record facts."""
        self._end.call("record", facts)

    def attach(self, filename: str, content: bytes) -> None:
        """Have the worker attach a file to the trial."""
        self._end.call("attach", filename, content)

    def progress(self, epoch: int, step: int, steps: int) -> None:
        """Tell the worker how far an epoch is."""
        self._end.send(Note("progress", (epoch, step, steps)))

    def checkpoint(self, epochs: int, path: Path) -> None:
        """Have the worker keep a checkpoint."""
        self._end.call("checkpoint", epochs, path)

    def keeps(self, value: float) -> bool:
        """Ask the worker whether the trial's model would be kept."""
        return bool(self._end.call("keeps", value))

    def begin_epoch(self, epoch: int) -> bool:
        """Ask the worker for an epoch."""
        return bool(self._end.call("begin_epoch", epoch))

    def stop_requested(self) -> bool:
        """Whether the worker asked for the trial to be left."""
        return self._end.stop_requested
