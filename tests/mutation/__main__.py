"""Break the sources of a part one line at a time: python -m tests.mutation search/bridge [--sample 50]
[--jobs 2].

`[tool.studyhall.mutation]` in pyproject.toml names the parts, and the tests that must notice; a file or a
folder in a part may be named too. The tests are first run once, to learn which of them runs which line. Each
mutant is then tried on those that run its line, the quickest first, in a copy of the tracked files; what none
of them noticed is printed, and ends the command with status 1.
"""

import argparse
import math
import random
import tempfile
import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, chain, zip_longest
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.lines import Lines
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.working_copy import ROOT, Copy


def chosen(name: str, sample: int | None, seed: int) -> list[tuple[str, Mutant]]:
    """Return the mutants of a file, or of a folder's modules: all, or so many by chance, as many of each
    module.
    """
    path = ROOT / name
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    found = [
        [(str(each.relative_to(ROOT)), mutant) for mutant in mutants(each.read_text())] for each in files
    ]
    chance = random.Random(seed)
    for of_file in found if sample is not None else ():
        chance.shuffle(of_file)
    in_turn = [each for each in chain.from_iterable(zip_longest(*found)) if each is not None]
    return sorted(in_turn[:sample], key=lambda each: (each[0], each[1].line))


def survivors(found: Sequence[tuple[str, Mutant]], lines: Lines, jobs: int, within: float) -> int:
    """Try mutants, so many at a time; print those that no test noticed, and return how many they are.

    Args:
        found: each with its file.
        lines: which tests run which line.
        jobs: how many are tried at a time.
        within: the seconds that the tests of one mutant may take together; the slowest are left out.

    Raises:
        SystemExit: a test fails on the sources as they are.
    """
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as pool:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(Path(scratch) / str(number)))

        def attempt(path: str, mutant: Mutant) -> str | None:
            able = lines.tests(path, mutant.lines)
            if not able:
                return "no test runs"
            spent = list(accumulate(lines.seconds.get(test, 0.0) for test in able))
            tests = able[: max(1, bisect_right(spent, within))]
            patience = 60.0 + 5.0 * spent[len(tests) - 1]
            copy = copies.get()
            try:
                unnoticed = copy.is_unnoticed(path, mutant.source, tests, patience)
                return f"{len(tests)} of {len(able)} passed" if unnoticed else None
            finally:
                copies.put(copy)

        known = next((able for path, mutant in found if (able := lines.tests(path, mutant.lines))), [])
        first = copies.get()
        if not first.passes(known[:1], 300.0):
            raise SystemExit(f"{known[:1]} fails on the sources as they are")
        copies.put(first)
        tried = [pool.submit(attempt, path, mutant) for path, mutant in found]
        lived = 0
        for number, (each, (path, mutant)) in enumerate(zip(tried, found, strict=True), 1):
            if (survived := each.result()) is not None:
                lived += 1
                print(f"[{number} of {len(found)}] {survived}: {path}:{mutant}", flush=True)  # noqa: T201
        for _ in range(jobs):
            copies.get().close()
        return lived


def recorded(tests: Sequence[str], path: Path | None) -> Lines:
    """Return which test runs which line: from a file where it is there, and otherwise from running them."""
    if path is not None and path.exists():
        return Lines.load(path)
    with tempfile.TemporaryDirectory() as scratch:
        lines = Copy(Path(scratch)).record(tests)
    if path is not None:
        lines.save(path)
    return lines


def main() -> int:
    """Try the parts that are named, or all; return the exit status."""
    parts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["studyhall"]["mutation"]
    parser = argparse.ArgumentParser(description="Break the sources one line at a time.")
    parser.add_argument("names", nargs="*", metavar="PART", help=f"in: {', '.join(parts)} (default: all)")
    parser.add_argument("--sample", type=int, help="try so many mutants of each part, drawn by chance")
    parser.add_argument("--seed", type=int, default=0, help="of that chance")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument(
        "--within", type=float, default=math.inf, help="seconds of tests for a mutant, the quickest first"
    )
    parser.add_argument("--lines", type=Path, help="keep which test runs which line of a part in this file")
    options = parser.parse_args()
    lived = 0
    for name in options.names or parts:
        part = next((part for part in parts if Path(name).is_relative_to(part)), None)
        if part is None:
            parser.error(f"no tests are named for {name}; the parts are {', '.join(parts)}")
        lines = recorded(parts[part], options.lines)
        found = chosen(name, options.sample, options.seed)
        unnoticed = survivors(found, lines, options.jobs, options.within)
        print(f"{name}: {unnoticed} of {len(found)} mutants unnoticed", flush=True)  # noqa: T201
        lived += unnoticed
    return 1 if lived else 0


if __name__ == "__main__":
    raise SystemExit(main())
