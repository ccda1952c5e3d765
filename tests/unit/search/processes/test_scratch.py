"""Scratch folders go when their task ends, or when somebody notices that their worker was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from studyhall.search.processes.scratch import scratch_folder

KILLED = """
import os, signal
from studyhall.search.processes.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "model.keras").write_bytes(b"model")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and of those that it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_folder_is_gone_with_its_files_after_the_task(parent: Path) -> None:
    with scratch_folder() as folder:
        (folder / "model.keras").write_bytes(b"model")
        assert folder.is_relative_to(parent)
    assert os.listdir(parent) == []


def test_folder_of_a_killed_worker_goes_with_the_next_and_those_in_use_stay(parent: Path) -> None:
    with scratch_folder() as first:
        killed = subprocess.run([sys.executable, "-c", KILLED], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert len(os.listdir(parent)) == 2
        with scratch_folder() as second:
            assert sorted(parent.iterdir()) == sorted([first.parent, second.parent])
    assert os.listdir(parent) == []
