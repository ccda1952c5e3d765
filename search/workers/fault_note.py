"""A note that a worker leaves on its machine when the machine has ended it, for the next one that is started.

What starts a worker again at once would otherwise have it take one trial after the other, each for a moment.
"""

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

LONGEST_SECONDS = 300.0  # that a worker waits after another one
FORGOTTEN_SECONDS = 3600.0  # after which a note says nothing any more


class FaultNote:
    """The note of one study on this machine, in the folder of temporary files; it holds how often that was.

    Args:
        study: The study's name.
    """

    def __init__(self, study: str) -> None:
        name = hashlib.sha256(study.encode()).hexdigest()[:16]
        self._name = f"studyhall-fault-{os.getuid()}-{name}"

    def leave(self) -> None:
        """Note that the machine has ended a worker, once more; where it cannot, there is no note."""
        with suppress(OSError):
            times = self._read()[0] + 1
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="ascii") as file:
                file.write(f"{times}")

    def seconds(self) -> float:
        """Return how long the next worker waits: 2 s, 4 s and so on after each fault, without those that are
        over.
        """
        times, age = self._read()
        return max(0.0, min(2.0**times, LONGEST_SECONDS) - age) if times else 0.0

    def remove(self) -> None:
        """Forget it: a trial was trained here."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return Path(tempfile.gettempdir()) / self._name

    def _read(self) -> tuple[int, float]:
        """Return how often the machine has ended workers lately, and how many seconds ago it last did."""
        try:
            age = max(0.0, time.time() - self._path.stat().st_mtime)
            text = self._path.read_text(encoding="ascii")
        except (OSError, ValueError):
            return 0, 0.0
        if age > FORGOTTEN_SECONDS:
            return 0, 0.0
        # A full disk may take the file, and not what is in it.
        return (min(int(text), 16) if text.isdecimal() else 1), age
