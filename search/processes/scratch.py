"""Scratch folders: where a task leaves its files, gone when it ends, even if its worker was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "studyhall-"
_OWNER = "owner"  # locked as long as the worker lives that made the folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for one task's files, removed afterwards; and so are those of workers that were killed."""
    remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        with open(folder / "new", "wb") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            os.rename(folder / "new", folder / _OWNER)  # nobody ever sees it without its lock
            files = folder / "files"
            files.mkdir()
            yield files


def remove_abandoned(parent: Path) -> None:
    """Remove the scratch folders whose workers are gone."""
    for owner in parent.glob(f"{PREFIX}*/{_OWNER}"):
        with suppress(OSError), open(owner, "rb") as file:  # held, gone by now, or another user's
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(owner.parent, ignore_errors=True)
