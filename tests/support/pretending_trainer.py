"""A training process that pretends to train, and workers that have one, forked from who starts them.

They stand for `subprocess.Popen`, and import nothing more.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from optuna.distributions import FloatDistribution

from studyhall.search.core.outcome import Appraised, Checked, Completed, HandedBack, Retrained
from studyhall.search.processes.channel import (
    CheckTask,
    Done,
    Note,
    RemoteHandle,
    RetrainTask,
    Task,
    TrainerEnd,
    TrialTask,
)
from studyhall.search.processes.signals import die_with_parent, leave_stopping_to_the_worker
from studyhall.search.processes.stacks import show_stacks_in
from tests.support.trainers import FACTS

EPOCHS = 3  # of each trial
STOP_SECONDS = 30.0  # in which a stop must come that is waited for
LIFELINE = -1
"""A file that every process keeps open: who reads it knows when the last one has ended."""


class _Forked(subprocess.Popen):  # type: ignore[type-arg]
    """A process that is forked in place of one that begins with a program."""

    def _fork(self, command: list[str]) -> bool:
        """Fork, and say whether this is the new process."""
        self.args, self.returncode = command, None
        self.stdin = self.stdout = self.stderr = None
        self._waitpid_lock = threading.Lock()
        self._child_created = True
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
        return not self.pid


class ForkedWorker(_Forked):
    """Stands for `subprocess.Popen` where workers are launched."""

    def __init__(self, command: list[str], **options: Any) -> None:
        assert command[:4] == [sys.executable, "-P", "-m", "studyhall.search"]
        assert options["start_new_session"]
        (their_input, our_input), (our_output, their_output) = os.pipe(), os.pipe()
        if self._fork(command):
            _keep_open({0, 1, 2, their_input, their_output})
            os.dup2(their_input, 0)
            os.dup2(their_output, 1)
            os.dup2(their_output, 2)
            _keep_open({0, 1, 2})
            os.environ.clear()
            os.environ.update(options["env"])
            sys.stdout, sys.stderr = open(1, "w", buffering=1), open(2, "w", buffering=1)  # noqa: SIM115
            sys.argv = ["studyhall", *command[4:]]
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            from studyhall.search.cli import main

            try:
                main()
            except SystemExit as ended:
                os._exit(ended.code if isinstance(ended.code, int) else 0)
            finally:
                os._exit(1)
        os.close(their_input)
        os.close(their_output)
        self.stdin, self.stdout = open(our_input, "w"), open(our_output)  # noqa: SIM115


class ForkedTrainer(_Forked):
    """Stands for `subprocess.Popen` where a training process is started: with its signals, and without Keras.

    Attributes:
        is_told_to_stop: Says whether a signal has been sent that makes the worker stop the task in hand,
            which must then not be over before.
    """

    is_told_to_stop: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(self, command: list[str], **options: Any) -> None:
        assert command[:4] == [sys.executable, "-P", "-m", "studyhall.search.processes.trainer_main"]
        assert options["start_new_session"]
        if not self._fork(command):
            return
        try:
            os.dup2(options["stdout"].fileno(), 1)
            os.dup2(options["stdout"].fileno(), 2)
            _main(*map(int, command[4:]))
        finally:
            os._exit(1)


def _main(descriptor: int, worker: int, stacks: int) -> None:
    show_stacks_in(stacks)
    leave_stopping_to_the_worker()
    die_with_parent(worker)
    _keep_open({0, 1, 2, descriptor, stacks})
    end = TrainerEnd(Connection(descriptor))
    while True:
        end.send(Done(_result(end, end.next_task())))


def _keep_open(descriptors: set[int]) -> None:
    """Close all other files, which are of the process that this one was forked from."""
    for each in map(int, os.listdir("/proc/self/fd")):
        if each not in {*descriptors, LIFELINE}:
            with suppress(OSError):
                os.close(each)


def _result(end: TrainerEnd, task: Task) -> Any:
    model = task.job.scratch / "model.keras"
    match task:
        case CheckTask():
            end.send(Note("phase", ("building the default model",)))
            _left(end)
            return Checked(9, ("val_loss",))
        case TrialTask():
            return _trained(
                end, RemoteHandle(end, task.number, task.seed, task.start), model, task.resume_from
            )
        case RetrainTask():
            RemoteHandle(end, task.number, task.seed).report(1, 0.0)
            if _left(end):
                return HandedBack(0)
            model.write_bytes(b"retrained")
            return Retrained(0.0, 1, model, {"val_loss": [0.0]}, 1.0, FACTS)
    _left(end)
    return Appraised(None, None)


def _trained(end: TrainerEnd, handle: RemoteHandle, model: Path, resume_from: Path | None) -> Any:
    done = 0 if resume_from is None else int(resume_from.read_text())
    rate = float(handle.suggest("rate", FloatDistribution(1e-4, 1e-1, log=True)))
    handle.record({"hyperparameters": {"rate": rate}, "history": {"val_loss": [rate]}} | FACTS)
    if _left(end):
        return HandedBack(done)
    for epoch in range(done + 1, EPOCHS + 1):
        if not handle.begin_epoch(epoch) or _left(end):
            return HandedBack(epoch - 1)
        handle.report(epoch, rate / epoch)
        checkpoint = model.with_name(f"checkpoint-{epoch}.npz")
        checkpoint.write_text(f"{epoch}")
        handle.checkpoint(epoch, checkpoint)
        if _left(end):
            return HandedBack(epoch)
    model.write_bytes(b"trained")
    return Completed(rate / EPOCHS, EPOCHS, model)


def _left(end: TrainerEnd) -> bool:
    """Whether the task is to be left; a stop that is on its way is waited for."""
    until = time.monotonic() + STOP_SECONDS
    while ForkedTrainer.is_told_to_stop() and not end.stop_requested:
        if time.monotonic() > until:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
    return end.stop_requested
