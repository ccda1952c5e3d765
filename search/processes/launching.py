"""Worker processes of this machine, one for each slot: started, heard and stopped by who outlives them."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from studyhall.search.devices.slots import Slot, environment_of, hand_over, names
from studyhall.search.processes.ending import ended_within
from studyhall.search.processes.signals import signals_held_back
from studyhall.search.processes.stacks import share_sigquit
from studyhall.studies.awake_clock import AwakeClock

STOP_SECONDS = 15.0  # a worker that was told to stop needs up to ten to hand its trial back
LOOK_SECONDS = 0.5
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
        with signals_held_back():
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
            share_sigquit(process, name)
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
                ended_within(each.process, seconds)
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
        clock = AwakeClock()
        for each in self._launched:
            while not ended_within(each.process, LOOK_SECONDS) and clock() < STOP_SECONDS:
                pass
            if each.process.poll() is None:
                each.process.kill()
                each.process.wait()
            if each.process.stdin is not None:
                each.process.stdin.close()
            if each.reader is not None:
                each.reader.join(1.0)
            if each.process.stdout is not None:
                each.process.stdout.close()


def end_with_launcher() -> None:
    """Have this process stop in order, as after a hang-up, when the process that launched it is gone.

    Call it first thing in a launched worker, whose standard input is the launcher's pipe. A worker that does
    not leave in time is ended.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # It has no terminal, so that `nohup` has nothing to keep from it.
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))

    def watch(pipe: int) -> None:
        while os.read(pipe, 1):
            pass
        os.kill(os.getpid(), signal.SIGHUP)
        clock = AwakeClock()
        while clock() < STOP_SECONDS:
            select.select([], [], [], LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, args=(0,), name="launcher", daemon=True).start()
