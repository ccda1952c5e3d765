"""A copy of the sources, in which they are broken and tested."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.lines import Lines

ROOT = Path(__file__).resolve().parents[2]
TRACER = ROOT / "tests" / "mutation" / "tracer"
# KiB that a run may have: a mutant may never stop to fill a list.
_MEMORY = 8 << 20
_LIMITED = ["sh", "-c", f'ulimit -v {_MEMORY}; exec "$@"', "sh"]
_OPTIONS = ["-x", "-q", "-p", "no:cacheprovider"]
_DURATION = re.compile(r"^\s*([\d.]+)s (?:call|setup|teardown)\s+(.+?)\s*$", re.MULTILINE)


class Copy:
    """A copy of the tracked files, in which one mutant is tried at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True)
        for name in filter(None, listed.stdout.decode().split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        self._warm: subprocess.Popen[str] | None = None

    def record(self, tests: Sequence[str]) -> Lines:
        """Run tests on the sources as they are; return which of them runs which line, and how long each
        takes.

        Raises:
            SystemExit: a test fails.
        """
        rows = self.folder / "lines.tsv"
        path = os.pathsep.join([str(TRACER), str(self.folder / "src")])
        command = [*_LIMITED, sys.executable, "-B", "-m", "pytest", *_OPTIONS, "-vv", "--durations=0", *tests]
        environment = os.environ | {"PYTHONPATH": path, "STUDYHALL_LINES": str(rows)}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"the tests fail on the sources as they are:\n{done.stdout[-4000:]}")
        lines = Lines()
        for row in rows.read_text().splitlines():
            test, module, line = row.rsplit("\t", 2)
            lines.add(test, module, int(line))
        for seconds, test in _DURATION.findall(done.stdout):
            lines.seconds[test] = lines.seconds.get(test, 0.0) + float(seconds)
        return lines

    def is_unnoticed(self, path: str, source: str, tests: Sequence[str], seconds: float) -> bool:
        """Whether tests pass with another source in a file; one that hangs, or runs out of memory, has
        noticed.
        """
        file = self.folder / path
        kept = file.read_text()
        file.write_text(source)
        try:
            return self.passes(tests, seconds)
        finally:
            file.write_text(kept)

    def passes(self, tests: Sequence[str], seconds: float) -> bool:
        """Whether tests pass on the sources as they stand there."""
        return self._status(tests, seconds) == 0

    def _status(self, tests: Sequence[str], seconds: float) -> int:
        if self._warm is None:
            command = [*_LIMITED, sys.executable, "-B", "-P", str(ROOT / "tests" / "mutation" / "warm.py")]
            path = os.pathsep.join([str(self.folder / "src"), str(self.folder)])
            self._warm = subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        self._warm.stdin.write(json.dumps([seconds, [*_OPTIONS, *tests]]) + "\n")
        self._warm.stdin.flush()
        return int(self._warm.stdout.readline())

    def close(self) -> None:
        """End the process that runs its tests."""
        if self._warm is not None:
            self._warm.communicate()
