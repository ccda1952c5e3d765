"""What a run of the tests left out, and why: told above pytest's closing line, grouped by reason."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

_DESELECTED = "studyhall_deselected"  # under which a process of pytest-xdist tells it to the one that reports

_CLUSTERS = "needs a cluster or containers on this machine: make test-engines"
_CHOICE = "left out by the choice of tests"
_REMEDY = "`make test-all` installs what they need, and runs every test."

Left = tuple[str, str]  # a test's file, and the reason


class LeftOut:
    """Gathers what is not run, also from the processes of pytest-xdist, and tells it above the closing line."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._deselected: list[Left] = []

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remember what was deselected."""
        for item in items:
            reason = _CLUSTERS if item.get_closest_marker("engines") else _CHOICE
            self._deselected.append((_file(item.nodeid), reason))

    def pytest_sessionfinish(self) -> None:
        """Tell it to the process that reports, where this one is not that."""
        if (told := getattr(self._config, "workeroutput", None)) is not None:
            told[_DESELECTED] = self._deselected

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear of it from a process that tested; all of them deselect the same."""
        told = getattr(node, "workeroutput", {}).get(_DESELECTED, [])
        self._deselected = [(file, reason) for file, reason in told] or self._deselected

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        """Tell it, after all else that pytest tells."""
        yield
        for line in described([*skipped(terminalreporter.stats.get("skipped", [])), *self._deselected]):
            terminalreporter.write_line(line)


def skipped(reports: Iterable[Any]) -> list[Left]:
    """Return what was skipped, from pytest's reports."""
    found = []
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found.append((_file(report.nodeid), reason.removeprefix("Skipped: ")))
    return found


def described(left_out: Sequence[Left]) -> list[str]:
    """Return the lines that tell of it, the most common reason first; none where nothing was left out."""
    if not left_out:
        return []
    groups: dict[str, list[str]] = defaultdict(list)
    for file, reason in left_out:
        groups[reason].append(file)
    lines = [f"{_tests(len(left_out))} did not run:"]
    for reason, files in sorted(groups.items(), key=lambda group: -len(group[1])):
        lines.append(f"  {len(files)}: {reason} ({', '.join(sorted(set(files)))})")
    if set(groups) != {_CHOICE}:
        lines.append(_REMEDY)
    return lines


def _file(node: str) -> str:
    return Path(node.partition("::")[0]).name


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"
