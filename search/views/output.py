"""The standard output of work that goes on, or ends in order, when nobody reads that any more."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

NOBODY_READS = 1  # the exit status


class Output:
    """A stream whose reader may go: a terminal that is closed, or another command of a pipeline.

    Without a terminal the work goes on, as is wanted of a job that was let go of. Without the next command
    of its pipeline it ends, as other commands do there; but if it was told to stop, as by the Ctrl-C that has
    ended all of the pipeline, it first does what it has to.

    Args:
        stream: The stream.
        stopped: Says whether the work was told to stop.
    """

    def __init__(self, stream: TextIO, stopped: Callable[[], bool]) -> None:
        self._stream = stream
        self._stopped = stopped

    def write(self, text: str) -> int:
        """Write a text, if somebody reads it.

        Raises:
            SystemExit: The next command of the pipeline has gone.
        """
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written.

        Raises:
            SystemExit: The next command of the pipeline has gone.
        """
        self._try(self._stream.flush)

    def _try(self, do: Callable[[], object]) -> None:
        try:
            do()
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            self._forget()
            if error.errno == errno.EPIPE and not self._stopped():
                raise SystemExit(NOBODY_READS) from None

    def _forget(self) -> None:
        """Have whatever is written from now on go nowhere, also what others write."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with suppress(OSError):
            os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
