"""What a search shows: on a terminal a live view, elsewhere one line per event."""

import io

import pytest
from rich.console import Console

from studyhall.search.core.events import (
    BatchDone,
    Checking,
    EpochDone,
    Published,
    RetrainingStarted,
    StudyOpened,
    TrialEnded,
    TrialStarted,
)
from studyhall.search.core.outcome import Completed, Failed, HandedBack, Pruned
from studyhall.search.views.live_view import LiveView
from studyhall.search.views.narration import in_words
from studyhall.search.views.progress import Lines
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.status.summary import BestTrial, Counts

BEST = BestTrial(3, 0.00123456, {"filters": 8, "learning_rate": 0.00312345})
COUNTS = Counts(waiting=4, running=1, complete=3, pruned=2)


def drawn(view: LiveView, console: Console) -> str:
    with console.capture() as captured:
        console.print(view._draw())
    return captured.get()


def test_the_live_view_shows_trials_best_and_the_epoch_in_hand() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    view = LiveView(console)
    view.observe(StudyOpened("quickstart", "sqlite:///studies.db", True, Counts(waiting=10)))
    view.observe(TrialEnded(3, Completed(0.00123456, 2, None), BEST, COUNTS))
    view.observe(TrialStarted(4, 5))
    view.observe(EpochDone(4, 2, 0.01))
    view.observe(BatchDone(4, 2, 10, 40))
    text = drawn(view, console)
    assert "quickstart in sqlite:///studies.db" in text
    assert "3 complete, 2 pruned, 2 running, 3 waiting" in text
    assert "0.00123456" in text
    assert "filters=8, learning_rate=0.003123" in text
    assert "trial 4" in text
    assert "epoch 3/5" in text
    assert "left" in text


def test_the_live_view_of_a_retraining_estimates_from_its_own_epochs() -> None:
    view = LiveView(Console(file=io.StringIO(), width=100))
    view.observe(RetrainingStarted(3, 10))
    assert view.seconds_left() is None
    view.observe(EpochDone(None, 5, 0.01))
    left = view.seconds_left()
    assert left is not None
    assert left >= 0


def test_lines_are_one_for_each_event_and_none_for_batches() -> None:
    console = Console(file=io.StringIO(), width=40, color_system=None)
    lines = Lines(console)
    for event in (
        Checking(),
        StudyOpened("s", "sqlite:///s.db", False, COUNTS),
        TrialStarted(1, 5, 2),
        BatchDone(1, 0, 1, 2),
        EpochDone(1, 1, 0.5),
        TrialEnded(1, Pruned(2, 0.5, 1), BEST, COUNTS),
        TrialEnded(1, Failed(FailureKind.NAN, "loss is nan after epoch 1"), None, COUNTS),
        TrialEnded(1, HandedBack(1), None, COUNTS),
        RetrainingStarted(1, 5),
        Published("trial", "retraining was worse", 0.1, (1e-3, 2e-5)),
    ):
        lines.observe(event)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue().splitlines()
    assert len(printed) == 9
    assert "continued after epoch 2" in printed[2]
    assert "failed (nan)" in printed[5]
    assert "1.000e-03" in printed[8]


def test_lines_show_the_values_of_all_objectives() -> None:
    assert in_words(EpochDone(1, 2, 0.5, (7.25,))) == "trial 1: epoch 2: 0.5, 7.25"
    ended = in_words(TrialEnded(1, Completed(0.5, 2, None, (7.25,)), BEST, COUNTS))
    assert ended is not None
    assert "trial 1: complete with 0.5, 7.25 at epoch 2" in ended


def test_a_batch_is_no_line() -> None:
    assert in_words(BatchDone(1, 0, 1, 2)) is None


def test_a_failed_trial_brings_its_traceback_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO())
    failed = TrialEnded(1, Failed(FailureKind.ERROR, "build fails", "Traceback:\n  keras"), None, COUNTS)
    with console.capture() as captured:
        Lines(console).observe(failed)
    assert "build fails" in captured.get()
    assert "Traceback" not in captured.get()
    monkeypatch.setenv("STUDYHALL_TRACEBACK", "1")
    with console.capture() as captured:
        Lines(console).observe(failed)
    assert "  Traceback:\n    keras\n" in captured.get()
