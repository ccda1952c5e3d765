"""Faults of the machine: for what a full disk or a used-up limit does, no trial is to blame."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator

from studyhall.studies.errors import MachineError

_TELLING = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE}
)
_NOT_STARTED = -1  # stands for what has no number of its own: no thread or no process can be started
# What libraries say that keep no number: HDF5, TensorFlow, BLAS, a shell, and a process that died of it.
_SIGNS = (
    ("No space left on device", errno.ENOSPC),
    ("Disk quota exceeded", errno.ENOSPC),
    ("No usable temporary directory found", errno.ENOSPC),
    ("Read-only file system", errno.EROFS),
    ("Too many open files", errno.EMFILE),
    ("Stale file handle", errno.ESTALE),
    ("can't start new thread", _NOT_STARTED),
    ("pthread_create() failed", _NOT_STARTED),
    ("pthread_create failed", _NOT_STARTED),
    ("failed to map segment from shared object", _NOT_STARTED),
)
_STARTERS = ("subprocess.py", "threading.py", "popen_fork.py", "popen_spawn_posix.py")
_LITTLE = 1 << 20  # bytes of free space, below which a disk counts as full
AGAIN = "then run the same command again."


def fault_of(error: BaseException) -> str | None:
    """Return what is wrong with the machine, in one line with its remedy; None where it is not at fault.

    An error that was raised from such a one, or while it was handled, is the machine's, too.
    """
    for each in _chain(error):
        if isinstance(each, OSError):
            number = each.errno
            if number in _TELLING:
                return _in_words(number or 0, each.filename)
            if number in (errno.EAGAIN, errno.ENOMEM) and _starts_something(each):
                return _in_words(_NOT_STARTED)
        if (fault := fault_in(str(each))) is not None:
            return fault
    return None


def fault_in(text: str) -> str | None:
    """Return the fault of the machine that a text tells of, such as the last lines of a process that died."""
    for sign, number in _SIGNS:
        if sign in text:
            return _in_words(number)
    return None


def machine_error(error: BaseException) -> MachineError | None:
    """Return the error that ends the work in one line; None where the machine is not at fault."""
    if isinstance(error, MachineError):
        return error
    fault = fault_of(error)
    return None if fault is None else MachineError(fault)


def without_again(reason: str) -> str:
    """Return a fault for whoever waits until it is mended, and need run nothing again."""
    return reason.replace(f", {AGAIN}", ".")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _starts_something(error: BaseException) -> bool:
    """Whether an error was raised where a process or a thread is started, and not by a lock, for example."""
    trace, name = error.__traceback__, ""
    while trace is not None:
        name, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return os.path.basename(name) in _STARTERS


def _in_words(number: int, filename: object = None) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"No space is left on {_disk(filename)}. Free some, {AGAIN}"
    if number == errno.EROFS:
        return f"The file system of {_place(filename)} is read-only. Mount it writable, {AGAIN}"
    if number in (errno.EMFILE, errno.ENFILE):
        return (
            f"Too many files are open. Raise the limit (ulimit -n), or have fewer workers here, {AGAIN} "
            "Code that never closes its files comes to this, too."
        )
    if number in (errno.EIO, errno.ESTALE):
        return f"The disk of {_place(filename)} fails: {os.strerror(number)}. Repair or remount it, {AGAIN}"
    return (
        "No thread or process can be started: memory is used up, or the number of processes (ulimit -u, pids of a "
        f"container). Raise the limit, or have fewer workers here, {AGAIN}"
    )


def _place(filename: object) -> str:
    return (
        repr(str(filename)) if isinstance(filename, str | os.PathLike) else "the scratch folder or the data"
    )


def _disk(filename: object) -> str:
    """Return which disk is full, as far as that can be known."""
    if isinstance(filename, str | os.PathLike):
        return f"the disk of {str(filename)!r}"
    for name, folder in (("the scratch folder", tempfile.tempdir), ("the current folder", os.curdir)):
        try:
            if folder is not None and shutil.disk_usage(folder).free < _LITTLE:
                return f"the disk of {name}, {os.path.abspath(folder)!r}"
        except OSError:
            continue
    return "a disk that the training writes to"
