"""Files and folders that appear whole or not at all: written under another name, flushed, then renamed."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from studyhall.did_you_mean import closest, suggested

CHUNK = 1024 * 1024  # bytes
"""How much of a file is read, hashed and copied at a time."""

TEMPORARY_PREFIX = ".studyhall-"
"""What every temporary name begins with, so that the leftovers of a killed process can be told apart."""


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write a file to; it becomes `path` when the block ends without an error.

    The name keeps the suffix, because libraries choose a format by it. Until the end `path` is what it was;
    after an error nothing is left.

    Raises:
        FileNotFoundError: The block wrote no file, or the folder does not exist.
        OSError: Whatever the file system says.
    """
    temporary = _temporary_beside(path)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Make a folder and its missing parents for the block; after an error, remove those that are empty.

    Raises:
        OSError: Whatever the file system says.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]  # the deepest first
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield path
    except BaseException:
        for folder in missing:
            with suppress(OSError):  # never made, or somebody else has begun to use it
                folder.rmdir()
        raise


@contextmanager
def replace_folder_atomically(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `path`; it becomes `path`, whole, when the block ends without an error.

    An empty folder at `path` is always replaced, a filled one only with `replace`: it is renamed out of the
    way, the new one is renamed to `path`, and the old one is removed. A process that is killed between the
    two renames leaves nothing at `path`, and both folders beside it. Missing parents are created. After an
    error nothing is left, not even those parents.

    Raises:
        FileExistsError, NotADirectoryError: Something is at `path` that may not be replaced.
        OSError: Whatever the file system says.
    """
    temporary = _temporary_beside(path)
    with new_folder(path.parent):
        try:
            temporary.mkdir()
            yield temporary
            for folder, _, names in os.walk(temporary):
                for name in names:
                    _flush(Path(folder, name))
                _flush(Path(folder))
            replaced = _put_in_place(temporary, path, replace=replace)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    _flush(path.parent)
    if replaced is not None:
        shutil.rmtree(replaced)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def similar_beside(path: Path) -> str:
    """Return "did you mean 'runs.db'?" for a file that is not there and one of its kind that is; or ""."""
    try:
        there = {each.stem: each for each in path.parent.iterdir() if each.suffix == path.suffix}
    except (OSError, ValueError):
        return ""
    near = closest(path.stem, there)
    return suggested([str(there[near[0]])]) if near else ""


def explain(error: OSError) -> str:
    """Return in one line why the system refused, and where it is known, what helps."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left there. Free some, then run the same command again."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission is denied. Give this user access to it, or choose another folder."
    if error.errno == errno.EROFS:
        return "the file system is read-only. Mount it writable, or choose another folder."
    reason = error.strerror or str(error) or type(error).__name__
    return f"{' '.join(reason.split())}."


def _temporary_beside(path: Path) -> Path:
    suffix = path.suffix if len(path.suffix) <= 16 else ""  # a name has at most 255 bytes
    return path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{suffix}")


def _flush(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk, which a rename does not promise."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network and FUSE file systems flush files but know no flush for folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(handle)


def _put_in_place(temporary: Path, path: Path, *, replace: bool) -> Path | None:
    """Rename a folder to `path`; return where the folder that was there is now, None where there was none."""
    if not replace or not path.exists():
        os.rename(temporary, path)  # the system refuses when a file or a filled folder is there
        return None
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    aside = _temporary_beside(path)
    os.rename(path, aside)
    try:
        os.rename(temporary, path)
    except BaseException:
        os.rename(aside, path)
        raise
    return aside
