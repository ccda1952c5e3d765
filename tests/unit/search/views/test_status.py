"""How studies stand, on terminals that are wide and narrow."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from studyhall.search.views import status
from studyhall.studies.status.summary import BestTrial, Counts, StudySummary


def summary(name: str) -> StudySummary:
    return StudySummary(
        name=name,
        direction="minimize",
        definition=None,
        signature=None,
        counts=Counts(waiting=2, running=1, complete=12, pruned=3),
        best=BestTrial(5, 0.001624, {}),
        created=None,
        active=datetime(2026, 11, 28, tzinfo=UTC),
        bundle=None,
        failures={},
        expired=0,
        stopping=False,
        workers=[],
    )


def shown(width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    monkeypatch.setattr(status, "Console", lambda **_: console)
    status.show_status([summary("a"), summary("x" * 40)], "sqlite:////runs/studies.db", as_json=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_wide_terminal_has_a_table_with_the_words_for_how_trials_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heading = shown(160, monkeypatch)[1]
    assert heading.split() == [
        *("study", "complete", "pruned", "failed", "running", "waiting"),
        *("best", "trial", "published"),
    ]


@pytest.mark.parametrize("width", [20, 60, 80])
def test_nothing_is_cut_on_a_narrow_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(width, monkeypatch) == [
        "sqlite:////runs/studies.db",
        "a: 12 complete, 3 pruned, 1 running, 2 waiting | best 0.001624 (trial 5) | published: no",
        f"{'x' * 40}: 12 complete, 3 pruned, 1 running, 2 waiting | best 0.001624 (trial 5) | published: no",
    ]
