"""How long a study will take, and what that rests on."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from studyhall.studies.status.estimates import throughput, time_left
from studyhall.studies.status.finished_trials import FinishedTrial, improvements
from studyhall.studies.status.running_trials import RunningTrial
from studyhall.studies.status.summary import Counts

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def ended(
    number: int, minutes: float, after: float, value: float = 1.0, state: str = "COMPLETE"
) -> FinishedTrial:
    """A trial that took so many minutes, and ended so many after the beginning."""
    end = BEGUN + timedelta(minutes=after)
    return FinishedTrial(number, state, value, end - timedelta(minutes=minutes), end)


def runs(seconds: float = 0.0, epoch: int = 0) -> RunningTrial:
    values: Mapping[str, float] = {}
    return RunningTrial(9, seconds, None, None, None, 0, epoch, None, None, None, values)


def test_what_is_left_is_shared_among_the_workers_that_live() -> None:
    trials = [ended(number, 2, 2 * number + 2) for number in range(3)]
    alone = time_left(trials, [], Counts(waiting=6, complete=3), workers=1)
    shared = time_left(trials, [], Counts(waiting=6, complete=3), workers=3)
    assert alone is not None
    assert shared is not None
    assert [alone.seconds, shared.seconds] == pytest.approx([720, 240])
    assert shared.basis == "the last 3 trials took 2 min each"


def test_more_workers_than_trials_do_not_make_a_trial_shorter() -> None:
    left = time_left([ended(0, 2, 2)], [], Counts(waiting=1, complete=1), workers=10)
    assert left is not None
    assert left.seconds == pytest.approx(120)


def test_running_trials_count_for_what_is_left_of_them() -> None:
    trials = [ended(0, 2, 2)]
    counts = Counts(running=1, complete=1)
    for trial, expected in ((runs(epoch=3), 30), (runs(seconds=90), 30), (runs(seconds=900), 0)):
        left = time_left(trials, [trial], counts, workers=1, epochs=4)
        assert left is not None
        assert left.seconds == pytest.approx(expected)


def test_estimate_rests_on_the_last_trials_and_not_on_old_ones_or_pauses() -> None:
    trials = [ended(number, 60, number) for number in range(50)]
    trials += [ended(50 + number, 1, 5000 + number) for number in range(20)]
    left = time_left(trials, [], Counts(waiting=1, complete=70), workers=1)
    assert left is not None
    assert left.seconds == pytest.approx(60)


def test_nothing_is_estimated_without_workers_trials_or_work() -> None:
    trials = [ended(0, 2, 2)]
    assert time_left(trials, [], Counts(waiting=1, complete=1), workers=0) is None
    assert time_left([], [], Counts(waiting=1), workers=1) is None
    assert time_left(trials, [], Counts(complete=1), workers=1) is None


def test_throughput_is_that_of_the_last_hour_or_of_all_the_time_there_was() -> None:
    trials = [ended(number, 1, 10 * number) for number in range(1, 13)]
    late = throughput(trials, (BEGUN + timedelta(minutes=120)).timestamp(), BEGUN.timestamp())
    assert late is not None
    assert (late.trials, late.seconds, late.per_hour) == (7, 3600, 7)
    early = throughput(trials, (BEGUN + timedelta(minutes=30)).timestamp(), BEGUN.timestamp())
    assert early is not None
    assert (early.trials, early.per_hour) == (3, 6)
    assert throughput([], 0.0, None) is None


def test_improvements_are_the_complete_trials_that_were_the_best_when_they_ended() -> None:
    values = [(3.0, "COMPLETE"), (1.0, "PRUNED"), (2.0, "COMPLETE"), (2.0, "COMPLETE"), (2.5, "COMPLETE")]
    trials = [ended(number, 1, number, value, state) for number, (value, state) in enumerate(values)]
    assert [each.number for each in improvements(trials, "minimize")] == [0, 2]
    assert [each.number for each in improvements(trials, "maximize")] == [0]
