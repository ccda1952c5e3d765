"""What a run of the tests left out, and why: told above pytest's closing line, grouped by reason.

With `STUDYHALL_NO_SKIPS=1`, a skipped test fails the run, because a tool that is missing would hide a fault.
`STUDYHALL_MAY_SKIP` names the exceptions, one a line: how pytest's reason begins, " -- ", and why it may be.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

_DESELECTED = "studyhall_deselected"  # under which a process of pytest-xdist tells it to the one that reports

_CLUSTERS = "needs a cluster or containers on this machine: make test-engines"
_CHOICE = "left out by the choice of tests"
_REMEDY = "`make test-all` installs what they need, and runs every test."

_APART = " -- "

Left = tuple[str, str]  # a test's file, and the reason


class LeftOut:
    """Gathers what is not run, also from the processes of pytest-xdist, and tells it above the
    closing line.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._deselected: list[Left] = []
        self._may_skip = may_skip(os.environ)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remember what was deselected."""
        for item in items:
            reason = _CLUSTERS if item.get_closest_marker("engines") else _CHOICE
            self._deselected.append((_file(item.nodeid), reason))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell it to the process that reports, where this one is not that; fail where a skip is refused."""
        if (told := getattr(self._config, "workeroutput", None)) is not None:
            told[_DESELECTED] = self._deselected
        elif self._refused() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear of it from a process that tested; all of them deselect the same."""
        told = getattr(node, "workeroutput", {}).get(_DESELECTED, [])
        self._deselected = [(file, reason) for file, reason in told] or self._deselected

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        """Tell it, after all else that pytest tells."""
        yield
        for line in described([*self._skipped(), *self._deselected]):
            terminalreporter.write_line(line)
        for reason in self._refused():
            terminalreporter.write_line(f"STUDYHALL_NO_SKIPS refuses: {reason}", red=True)

    def _skipped(self) -> list[Left]:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        return skipped(reporter.stats.get("skipped", [])) if reporter is not None else []

    def _refused(self) -> list[str]:
        if self._may_skip is None:
            return []
        reasons = sorted({reason for _, reason in self._skipped()})
        return [reason for reason in reasons if not reason.startswith(self._may_skip)]


def may_skip(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return how the reasons of skips begin that are allowed; None where all are.

    Raises:
        pytest.UsageError: A line of `STUDYHALL_MAY_SKIP` does not say why.
    """
    if environment.get("STUDYHALL_NO_SKIPS", "") in ("", "0"):
        return None
    beginnings = []
    for line in filter(None, map(str.strip, environment.get("STUDYHALL_MAY_SKIP", "").splitlines())):
        beginning, _, why = (part.strip() for part in line.partition(_APART))
        if not beginning or not why:
            raise pytest.UsageError(f"STUDYHALL_MAY_SKIP: {line!r} does not say why; write REASON{_APART}WHY")
        beginnings.append(beginning)
    return tuple(beginnings)


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
