"""Many processes, and processes that die, create one storage and one study in it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROCESSES = Path(__file__).with_name("storage_processes.py")


def run(action: str, url: str, processes: int, trials: int) -> Any:
    command = [sys.executable, str(PROCESSES), action, url, str(processes), str(trials)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_sixteen_processes_that_start_at_once_create_one_study(storage_url: str) -> None:
    assert run("start", storage_url, processes=16, trials=12) == [12] * 16


def test_creation_that_is_killed_anywhere_is_completed_by_the_next_start(storage_url: str) -> None:
    found = run("interrupted", storage_url, processes=1, trials=5)
    assert len(found) > 10  # so many of its writes were its last
    assert set(found) == {5}
