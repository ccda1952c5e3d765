"""Break the sources of a part one line at a time: python -m tests.mutation search/bridge [--sample 50] [--jobs 2].

`[tool.studyhall.mutation]` in pyproject.toml names the parts, and the tests that must notice. Each mutant is tried in a
copy of the tracked files; what no test noticed is printed, and ends the command with status 1.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
# KiB that a run may have: a mutant may never stop to fill a list.
MEMORY = 8 << 20


class Copy:
    """A copy of the tracked files, in which one mutant is tried at a time."""

    def __init__(self, folder: Path, tests: Sequence[str]) -> None:
        self.folder = folder
        self._tests = tests
        listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True)
        for name in filter(None, listed.stdout.decode().split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)

    def is_unnoticed(self, path: str, source: str, seconds: float | None) -> bool:
        """Whether the tests pass with another source in a file; a test that hangs, or runs out of memory, has noticed."""
        file = self.folder / path
        kept = file.read_text()
        file.write_text(source)
        try:
            return self.passes(seconds)
        finally:
            file.write_text(kept)

    def passes(self, seconds: float | None = None) -> bool:
        """Whether the tests pass."""
        command = ["sh", "-c", f'ulimit -v {MEMORY}; exec "$@"', "sh"]
        command += [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *self._tests]
        environment = os.environ | {"PYTHONPATH": str(self.folder / "src")}
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def chosen(part: str, sample: int | None, seed: int) -> list[tuple[str, Mutant]]:
    """Return the mutants of a file, or of the modules in a folder; all of them, or so many drawn by a seed."""
    path = ROOT / part
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    found = [(str(each.relative_to(ROOT)), mutant) for each in files for mutant in mutants(each.read_text())]
    if sample is None or sample >= len(found):
        return found
    return sorted(random.Random(seed).sample(found, sample), key=lambda each: (each[0], each[1].line))


def survivors(part: str, tests: Sequence[str], found: Sequence[tuple[str, Mutant]], jobs: int) -> list[str]:
    """Try mutants, so many at a time; return those that no test noticed.

    Raises:
        SystemExit: The tests fail on the sources as they are.
    """
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as pool:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(Path(scratch) / str(number), tests))
        began = time.monotonic()
        first = copies.get()
        if not first.passes():
            raise SystemExit(f"the tests of {part} fail on the sources as they are: {' '.join(tests)}")
        copies.put(first)
        patience = 30.0 + 5.0 * (time.monotonic() - began)

        def attempt(path: str, mutant: Mutant) -> str | None:
            copy = copies.get()
            try:
                return f"{path}:{mutant}" if copy.is_unnoticed(path, mutant.source, patience) else None
            finally:
                copies.put(copy)

        tried = [pool.submit(attempt, path, mutant) for path, mutant in found]
        lived = []
        for number, each in enumerate(tried, 1):
            survivor = each.result()
            if survivor is not None:
                lived.append(survivor)
                print(f"[{number} of {len(found)}] unnoticed: {survivor}", flush=True)  # noqa: T201
        return lived


def main() -> int:
    """Try the parts that are named, or all; return the exit status."""
    parts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["studyhall"]["mutation"]
    parser = argparse.ArgumentParser(description="Break the sources one line at a time.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(parts)} (default: all)")
    parser.add_argument("--sample", type=int, help="try so many mutants of each part, drawn by chance")
    parser.add_argument("--seed", type=int, default=0, help="of that chance")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    options = parser.parse_args()
    if unknown := sorted(set(options.parts) - set(parts)):
        parser.error(f"no tests are named for {', '.join(unknown)}; the parts are {', '.join(parts)}")
    lived = 0
    for part in options.parts or parts:
        found = chosen(part, options.sample, options.seed)
        unnoticed = survivors(part, parts[part], found, options.jobs)
        print(f"{part}: {len(unnoticed)} of {len(found)} mutants unnoticed", flush=True)  # noqa: T201
        lived += len(unnoticed)
    return 1 if lived else 0


if __name__ == "__main__":
    raise SystemExit(main())
