"""A search's grip on its Ray driver: start it, send it orders, hear it, end it."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from studyhall.search.clusters.ray.messages import Connect, Leave, LetGo, Over, Place, Refused, Told
from studyhall.search.clusters.ray.request import RayError, RayGoneError

POLL_SECONDS = 0.2
FAREWELL_SECONDS = 10.0  # for Ray to let go of the driver, once all is told
TAIL_BYTES = 2000


class RayProcess:
    """The driver, a process of its own; use it as a context manager.

    It has a session of its own, so that Ctrl-C reaches the search alone, and what Ray prints goes to a file.
    Where the search is killed, it has the workers hand back their trials, and ends.
    """

    def __init__(self) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "studyhall.search.clusters.ray.driver", f"{theirs.fileno()}"],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        try:
            self._process.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def send(self, order: Connect | Place | Leave | LetGo) -> None:
        """Give the driver an order; one that is gone is heard of by `news`."""
        with suppress(ConnectionError):
            self._connection.send(order)

    def news(self, seconds: float) -> Iterator[Told]:
        """Yield what the driver tells within so many seconds.

        Raises:
            RayError: Ray cannot be used, or has ended the driver, as it does when it ends itself.
        """
        until = time.monotonic() + seconds
        while not self._over:
            if not self._connection.poll(max(0.0, min(POLL_SECONDS, until - time.monotonic()))):
                if time.monotonic() >= until:
                    return
                continue
            try:
                told: Told = self._connection.recv()
            except (EOFError, ConnectionError) as error:
                raise RayGoneError(f"Ray is gone{self._last_line()}") from error
            if isinstance(told, Refused):
                raise RayError(told.reason)
            self._over = isinstance(told, Over)
            yield told

    @property
    def over(self) -> bool:
        """Whether the driver has told all."""
        return self._over

    def _last_line(self) -> str:
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - TAIL_BYTES))
        lines = self._output.read().decode(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        # Without when, which process, and where in Ray.
        reason = re.sub(r"^\[[^]]*\] \S+: ", "", last).partition(". ")[0]
        return f": {reason[:300]}" if reason else ""
