"""The workers of a storm: real `studyhall worker` processes, each with its output in a file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

STOPS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
FULL = "No space is left on the disk of the scratch folder"  # says a worker that ends for a full disk
STOP_SECONDS = 10.0  # in which a worker that is told to stop must be gone


class Hand:
    """One worker process."""

    def __init__(
        self,
        name: str,
        process: "subprocess.Popen[bytes]",
        log: Path,
        number: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.signal = number  # what it is told to stop by
        self.process = process
        self.log = log
        self.frozen: list[int] = []
        self.killed = False
        self.told = False
        self.told_at: float | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs, or is frozen."""
        return self.process.poll() is None

    @property
    def is_at_work(self) -> bool:
        """Whether it has begun to work, and nothing is being done to it."""
        return self.is_alive and not self.frozen and self.told_at is None and "runs on" in self.output

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def trainer(self) -> int | None:
        """The number of its training process."""
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            for child in map(int, children):
                if b"studyhall.search.processes.trainer" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return child
        return None

    def kill(self) -> None:
        """kill -9."""
        self.killed = True
        self.process.kill()

    def kill_trainer(self) -> None:
        """kill -9 the training process alone."""
        if (trainer := self.trainer) is not None:
            os.kill(trainer, signal.SIGKILL)

    def stop(self) -> None:
        """Tell it to hand back its trial and leave, as a scheduler, a person or a lost connection does."""
        self.told, self.told_at = True, time.monotonic()
        self.process.send_signal(self.signal)

    def ask_for_stacks(self) -> None:
        """Have it print what it does, and go on."""
        self.process.send_signal(signal.SIGQUIT)

    def freeze(self) -> None:
        """Have it and its training process stand still, as a virtual machine that is paused."""
        self.frozen = [self.process.pid, *([trainer] if (trainer := self.trainer) is not None else [])]
        for each in self.frozen:
            os.kill(each, signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        for each in reversed(self.frozen):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)
        self.frozen = []

    def complaints(self) -> list[str]:
        """What is wrong with a process that has ended, and with what it printed."""
        status, found = self.process.poll(), []
        expected = {-signal.SIGKILL} if self.killed else {0, 128 + self.signal} if self.told else {0}
        if status == 1 and FULL in self.output:
            return (
                [] if "Traceback" not in self.output else [f"{self.name} printed a traceback: {self.output}"]
            )
        if status not in expected:
            found.append(f"{self.name} ended with status {status}")
        for word in ("Traceback", "Error", "Exception"):
            if word in self.output:
                found.append(f"{self.name} printed {word}: {self.output[-2000:]}")
                break
        return found


class Crew:
    """Some workers; those that are gone are replaced.

    Args:
        folder: The project's folder, where they run.
        environment: What they find in theirs.
        size: How many work at a time.
    """

    def __init__(self, folder: Path, environment: dict[str, str], size: int) -> None:
        self._folder = folder
        self._environment = environment
        self._size = size
        self.all: list[Hand] = []
        self.slow_stops: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self.alive:
            hand.thaw()
            hand.process.kill()
            hand.process.wait()

    @property
    def alive(self) -> list[Hand]:
        """Those that run or are frozen."""
        return [hand for hand in self.all if hand.is_alive]

    def replace(self) -> None:
        """Start as many as are missing."""
        while len(self.alive) < self._size:
            self.start()

    def start(self) -> Hand:
        """Start one more."""
        name = f"worker-{len(self.all)}"
        log = self._folder / f"{name}.log"
        command = [sys.executable, "-P", "-m", "studyhall.search", "worker", "storm.toml", "--gpus", "none"]
        with open(log, "wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        number = STOPS[len(self.all) % len(STOPS)]
        self.all.append(Hand(name, process, log, number))
        return self.all[-1]

    def watch(self) -> None:
        """Note those that were told to stop, and did not in time."""
        for hand in self.all:
            if hand.told_at is None:
                continue
            if not hand.is_alive:
                hand.told_at = None
            elif time.monotonic() - hand.told_at > STOP_SECONDS:
                self.slow_stops.append(f"{hand.name} did not leave within {STOP_SECONDS:g} s of its signal")
                hand.told_at = None

    def complaints(self) -> list[str]:
        """What is wrong with any of them."""
        return [*self.slow_stops, *(each for hand in self.all for each in hand.complaints())]
