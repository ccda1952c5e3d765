"""What the machine does is told apart from what a trial does."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studyhall.search.core.machine import fault_in, fault_of, machine_error, without_again
from studyhall.studies.errors import MachineError, UserCodeError


def os_error(number: int, filename: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), filename)


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (os_error(errno.ENOSPC, "/data/x"), "No space is left on the disk of '/data/x'. Free some, then run"),
        (os_error(errno.EDQUOT), "No space is left on "),
        (os_error(errno.EROFS, "/data/x"), "The file system of '/data/x' is read-only. Mount it writable"),
        (os_error(errno.EMFILE, "/data/x"), r"Too many files are open. Raise the limit \(ulimit -n\)"),
        (os_error(errno.ENFILE), "Too many files are open"),
        (os_error(errno.EIO, "/data/x"), "The disk of '/data/x' fails: Input/output error"),
        (RuntimeError("can't start new thread"), "No thread or process can be started"),
        # As HDF5 and TensorFlow say it.
        (
            OSError("Unable to create file (errno = 28, error message = 'No space left on device')"),
            "No space",
        ),
        (ValueError("ResourceExhaustedError: log.v2; Too many open files"), "Too many files are open"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "No space is left on"),
    ],
)
def test_faults_of_the_machine_are_said_in_one_line_with_their_remedy(error: Exception, wanted: str) -> None:
    with pytest.raises(MachineError, match=f"^{wanted}") as told:
        raise machine_error(error) or error
    assert "then run the same command again." in str(told.value)
    assert "\n" not in str(told.value)
    assert "same command" not in without_again(str(told.value))


def test_an_error_that_code_made_of_a_fault_is_the_machines_too() -> None:
    error = UserCodeError("model.py:load fails")
    error.__cause__ = os_error(errno.ENOSPC)
    assert isinstance(machine_error(error), MachineError)


@pytest.mark.parametrize(
    "error",
    [
        os_error(errno.EACCES, "/data/x"),
        os_error(errno.ENOENT, "/data/x"),
        os_error(errno.ENOMEM),
        MemoryError(),
        RuntimeError("shapes do not match"),
        ValueError("space left"),
    ],
)
def test_what_code_can_help_is_no_fault_of_the_machine(error: Exception) -> None:
    assert fault_of(error) is None


def test_a_file_that_another_process_locks_is_no_fault_of_the_machine(tmp_path: Path) -> None:
    with open(tmp_path / "a", "wb") as first, open(tmp_path / "a", "rb") as second:
        fcntl.flock(first, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError) as refused:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert fault_of(refused.value) is None


LIMITED = """
import resource, subprocess
from studyhall.search.core.machine import fault_of
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
try:
    subprocess.Popen(["true"], stdout=subprocess.PIPE)
except OSError as error:
    print(fault_of(error))
"""


def test_a_process_that_may_open_no_file_says_so() -> None:
    told = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("Too many files are open"), told.stdout + told.stderr


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM])
@pytest.mark.parametrize("module", ["subprocess.py", "multiprocessing/popen_fork.py"])
def test_what_is_refused_where_a_process_is_started_is_the_machines_fault(number: int, module: str) -> None:
    with pytest.raises(OSError, match=os.strerror(number)) as refused:
        exec(compile("raise error", f"/usr/lib/python3/{module}", "exec"), {"error": os_error(number)})
    assert "No thread or process can be started" in (fault_of(refused.value) or "")


def test_a_device_without_space_says_so() -> None:
    with pytest.raises(OSError, match="No space left") as full, open("/dev/full", "wb", buffering=0) as file:
        file.write(b"x")
    assert "No space is left on" in (fault_of(full.value) or "")


def test_the_last_lines_of_a_process_tell_of_the_machine() -> None:
    died = "F0000 env.cc:74] Check failed: ret == 0 (11 vs. 0) Thread tf_data creation via pthread_create() failed."
    assert "No thread or process can be started" in (fault_in(died) or "")
    assert fault_in("Segmentation fault") is None
