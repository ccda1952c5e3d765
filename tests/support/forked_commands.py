"""Commands of Studyhall, each in a process forked from one that has imported it all.

Run as `python -m tests.support.forked_commands`, it reads a JSON `Order` from each line of its input, and
answers with the JSON of an `Ended`.
"""

import fcntl
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from tests.support import pretending_trainer
from tests.support.moments import LAUNCHERS_MOMENTS, MOMENTS, Moment

SENT = "sent"  # beside the command's folder: a folder with a file for each moment at which a signal was sent


@dataclass(frozen=True)
class Order:
    """A command to run in a folder; its temporary files are in `tmp` beside that folder.

    A signal is sent at each of the moments, when it first comes.

    Attributes:
        stops: Whether the signal tells the command to stop.
        on_terminal: Whether it runs on a terminal, which is closed in place of a signal; then nobody sees
            what it prints.
    """

    arguments: list[str]
    folder: str
    signal: int = 0
    moments: tuple[str, ...] = ()
    stops: bool = False
    on_terminal: bool = False


@dataclass(frozen=True)
class Ended:
    """How a command ended: all that it printed, and at which moments the signal was sent."""

    status: int
    output: str
    sent: list[str]


class ForkedCommands:
    """The process that commands are forked from; use it as a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forked_commands"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.__exit__(None, None, None)

    def run(
        self,
        folder: Path,
        *arguments: str,
        number: int = 0,
        moments: Sequence[Moment] = (),
        stops: bool = True,
        on_terminal: bool = False,
    ) -> Ended:
        """Run a command to its end, and to that of all processes that it started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        names = tuple(each.name for each in moments)
        order = Order(list(arguments), str(folder), int(number), names, bool(names) and stops, on_terminal)
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


def _forked(order: Order) -> Ended | None:
    """Run a command in a process of its own; None in that process, which has yet to run it."""
    sent = Path(order.folder).parent / SENT
    shutil.rmtree(sent, ignore_errors=True)
    sent.mkdir()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        os.close(reader)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        pretending_trainer.LIFELINE = writer
        _prepare(order, sent)
        return None
    os.close(writer)
    with os.fdopen(reader, "rb") as output:
        # To the end of the last process that may write to it.
        printed = output.read().decode(errors="replace")
    _, result = os.waitpid(child, 0)
    return Ended(os.waitstatus_to_exitcode(result), printed, os.listdir(sent))


def _prepare(order: Order, sent: Path) -> None:
    os.chdir(order.folder)
    temporary = Path(order.folder).parent / "tmp"
    temporary.mkdir(exist_ok=True)
    os.environ["TMPDIR"], tempfile.tempdir = str(temporary), None
    sys.argv = ["studyhall", *order.arguments]
    process, ours = os.getpid(), _terminal() if order.on_terminal else None

    def send(name: str) -> None:
        try:
            (sent / name).touch(exist_ok=False)
        except FileExistsError:  # another process was first
            return
        if ours is None:
            os.kill(process, order.signal)
        else:
            os.close(ours)

    for moment in {*MOMENTS, *LAUNCHERS_MOMENTS}:
        if moment.name in order.moments:
            moment.call(lambda name=moment.name: send(name))  # type: ignore[misc]
    if order.stops:
        pretending_trainer.ForkedTrainer.is_told_to_stop = staticmethod(lambda: bool(os.listdir(sent)))


def _terminal() -> int:
    """Have this process run on a terminal of its own, and return the other end of that."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(theirs, stream)
    os.close(theirs)
    return ours


def _serve() -> None:
    import sqlalchemy.dialects.sqlite  # noqa: F401

    import studyhall.search.figures.for_study
    import studyhall.search.session.session
    import studyhall.studies.study_file.loading
    import studyhall.studies.study_file.reference
    from studyhall.search.commands import group, search, worker  # noqa: F401
    from studyhall.search.processes import launching, trainer_process

    studyhall.search.figures.for_study.draw_search_figures = lambda *args, **kwargs: []
    vars(trainer_process)["subprocess"] = _Subprocess(pretending_trainer.ForkedTrainer)
    vars(launching)["subprocess"] = _Subprocess(pretending_trainer.ForkedWorker)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        given = json.loads(line)
        ended = _forked(Order(**given | {"moments": tuple(given["moments"])}))
        if ended is not None:
            print(json.dumps(asdict(ended)), flush=True)  # noqa: T201
            continue
        from studyhall.search.cli import main

        main()


class _Subprocess:
    """The module `subprocess`, as what starts training processes and workers sees it."""

    def __init__(self, popen: type[subprocess.Popen[Any]]) -> None:
        self.Popen = popen

    def __getattr__(self, name: str) -> object:
        return getattr(subprocess, name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _serve()
