"""Files that have come in part: kept in a hidden folder beside the target, until all of a bundle is there."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from studyhall.studies.errors import BundleError
from studyhall.studies.files import TEMPORARY_PREFIX

_LOCK = "lock"


class Partials:
    """The files of one bundle, whole and in part, by their SHA-256; `open_partials` makes one.

    Args:
        folder: An existing folder that nobody else uses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Return where a file is, or will be."""
        return self._folder / sha256

    def size(self, sha256: str) -> int:
        """Return how many bytes of a file are here."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return 0

    def keep_only(self, wanted: Iterable[str]) -> None:
        """Remove the files that a bundle does not have: they are of one that it has replaced."""
        kept = {_LOCK, *wanted}
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink()

    def clear(self) -> None:
        """Remove all files."""
        self.keep_only(())


@contextmanager
def open_partials(destination: Path) -> Iterator[Partials]:
    """Open the folder of what has come for a destination; it stays for the next time, unless it is empty.

    Args:
        destination: The folder that the bundle is for, absolute.

    Raises:
        BundleError: Another process fetches into that destination, or another user has made such a folder.
        OSError: Whatever the file system says.
    """
    folder = partials_folder(destination)
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder, destination)
    try:
        yield Partials(folder)
    finally:
        if not any(path.name != _LOCK for path in folder.iterdir()):
            shutil.rmtree(folder)
        os.close(lock)


def partials_folder(destination: Path) -> Path:
    """Return the hidden folder beside a destination."""
    name = destination.name
    if len(os.fsencode(name)) > 200:  # a name on disk has at most 255 bytes
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return destination.with_name(f"{TEMPORARY_PREFIX}partial-{name}")


def _lock(folder: Path, destination: Path) -> int:
    """Make the folder and take its lock, which ends with the process; return the lock's handle."""
    while True:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            # In a folder like /tmp, where anybody may put a link that leads elsewhere.
            if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
                raise BundleError(
                    f"{str(folder)!r} is in the way of an unfinished download. Remove it, or name another folder."
                ) from None
        try:
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:  # its last user has just removed the folder
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.stat(folder / _LOCK), os.fstat(handle)):
                return handle
        except BlockingIOError:
            os.close(handle)
            raise BundleError(
                f"Another process is fetching into {str(destination)!r}. Wait for its end, or name another folder."
            ) from None
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):  # a file system without locks
                return handle
            os.close(handle)
            raise
        os.close(handle)
