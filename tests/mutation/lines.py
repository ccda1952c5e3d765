"""Which test runs which line."""

import json
from collections.abc import Sequence
from pathlib import Path


class Lines:
    """The tests that run each line of each module, and how long each takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._tests: dict[str, dict[int, set[str]]] = {}

    def add(self, test: str, module: str, line: int) -> None:
        """Note that a test runs a line; no test, one that runs when the module is imported."""
        self._tests.setdefault(module, {}).setdefault(line, set()).add(test)

    def tests(self, module: str, lines: Sequence[int]) -> list[str]:
        """Return the tests that run any of these lines, the quickest first.

        Where it is the module's import that runs them, those are all that run anything in it, or all there
        are.
        """
        known = self._tests.get(module, {})
        found = set().union(*(known.get(line, set()) for line in lines))
        if "" in found:
            found = set().union(*known.values())
            if found == {""}:
                found = set().union(*(tests for each in self._tests.values() for tests in each.values()))
        return sorted(found - {""}, key=lambda test: (self.seconds.get(test, 0.0), test))

    def save(self, path: Path) -> None:
        """Write them to a file."""
        rows = [
            (test, module, line)
            for module, lines in self._tests.items()
            for line, tests in lines.items()
            for test in sorted(tests)
        ]
        path.write_text(json.dumps({"seconds": self.seconds, "rows": rows}))

    @classmethod
    def load(cls, path: Path) -> "Lines":
        """Read them from a file."""
        content = json.loads(path.read_text())
        lines = cls()
        lines.seconds = content["seconds"]
        for row in content["rows"]:
            lines.add(*row)
        return lines
