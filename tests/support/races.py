"""Real processes that act on one study at the same moment."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_PROCESSES = Path(__file__).with_name("storage_processes.py")


def run_processes(action: str, url: str, processes: int, trials: int) -> Any:
    """Have so many processes do one of the actions of storage_processes.py; return their answers."""
    command = [sys.executable, str(_PROCESSES), action, url, str(processes), str(trials)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
