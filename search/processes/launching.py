"""Worker processes of this machine, one for each slot: started, heard and stopped by who outlives them."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from studyhall.search.devices.slots import Slot, environment_of, hand_over, names

STOP_SECONDS = 15.0  # a worker that was told to stop needs up to ten to hand its trial back
LAST_LINES = 12  # of a worker's output that are kept for when it fails

Hear = Callable[[str, str], None]


@dataclass(frozen=True)
class Ended:
    """A worker process that ended.

    `status` is as `subprocess` counts, `output` the last lines that it printed.
    """

    name: str
    status: int
    output: str


@dataclass
class _Launched:
    name: str
    process: subprocess.Popen[str]
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    reader: threading.Thread | None = None


class LocalWorkers:
    """Worker processes, one for each slot; use it as a context manager.

    Each has a session of its own, so that Ctrl-C reaches whoever launched it alone, and a pipe as its
    standard input, which ends when that process is gone, however it went: `end_with_launcher` watches it.
    None is started again: a study that one worker cannot work on, no worker can.

    Args:
        arguments: What follows `studyhall worker` on their command line; no storage, which may hold a
            password.
        slots: Where they run.
        environment: What they all get, the storage included, on top of this process's own environment.
        hear: Is given each line that a worker prints, after the worker's name; in a thread of that worker's.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        slots: Sequence[Slot],
        environment: Mapping[str, str],
        hear: Hear = lambda name, line: None,
    ) -> None:
        self._arguments = list(arguments)
        self._slots = slots
        self._environment = dict(environment)
        self._hear = hear
        self._launched: list[_Launched] = []
        self._told: set[str] = set()
        self._stopping = False

    def __enter__(self) -> Self:
        try:
            for name, slot in zip(names(self._slots), self._slots, strict=True):
                self._launched.append(self._launch(name, slot))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _launch(self, name: str, slot: Slot) -> _Launched:
        given = os.environ | self._environment
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "studyhall.search", "worker", "--plain", *self._arguments],
            env=given | environment_of(slot, given) | hand_over(slot) | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        launched = _Launched(name, process)
        launched.reader = threading.Thread(target=self._read, args=(launched,), name=name, daemon=True)
        launched.reader.start()
        return launched

    def _read(self, launched: _Launched) -> None:
        for line in launched.process.stdout or ():
            text = line.rstrip("\n")
            launched.last.append(text)
            self._hear(launched.name, text)

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that run."""
        return [each.process.pid for each in self._launched if each.process.poll() is None]

    def wait(self, seconds: float) -> None:
        """Wait until the next worker in line ends, or the seconds are over."""
        for each in self._launched:
            if each.process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    each.process.wait(seconds)
                return

    def newly_ended(self) -> list[Ended]:
        """Return the workers that ended since the last call."""
        ended = []
        for each in self._launched:
            status = each.process.poll()
            if status is None or each.name in self._told:
                continue
            self._told.add(each.name)
            if each.reader is not None:
                each.reader.join(1.0)  # what it printed last is still in the pipe
            ended.append(Ended(each.name, status, "\n".join(each.last)))
        return ended

    def stop(self) -> None:
        """Tell all workers, once, to hand back their trials and leave.

        It does not wait, and suits a signal handler.
        """
        if self._stopping:
            return  # a second signal would make them leave their trials as they are
        self._stopping = True
        for each in self._launched:
            if each.process.poll() is None:
                each.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Stop all workers and wait for them; those that do not leave in time are killed."""
        self.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for each in self._launched:
            try:
                each.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()
            if each.process.stdin is not None:
                each.process.stdin.close()
            if each.reader is not None:
                each.reader.join(1.0)
            if each.process.stdout is not None:
                each.process.stdout.close()


def end_with_launcher() -> None:
    """Have this process stop in order, as after SIGTERM, when the process that launched it is gone.

    Call it first thing in a launched worker, whose standard input is the launcher's pipe. A worker that does
    not leave in time is ended.
    """

    def watch(pipe: int) -> None:
        while os.read(pipe, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, args=(0,), name="launcher", daemon=True).start()
