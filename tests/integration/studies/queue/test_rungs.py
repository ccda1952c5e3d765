"""Trials that pause at rungs and come back, and their end with the study, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest
from optuna.trial import Trial, TrialState
from sqlalchemy import select

from studyhall.studies.database.attributes import PRUNED_AFTER
from studyhall.studies.database.studyhall_tables import leases, rungs
from studyhall.studies.errors import LeaseLostError
from studyhall.studies.queue.lease import Lease
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from tests.support.races import run_processes
from tests.support.studies import claim, define, random_sampler

ASHA = {"name": "asha", "reduction_factor": 2}


@pytest.fixture
def made(empty_storage_url: str) -> Iterator[Any]:
    """Make a study of trials of four epochs that pause after one and two."""
    storage = open_storage(empty_storage_url, create=False)

    def make(trials: int, **search: Any) -> Study:
        sections: dict[str, Any] = {"scheduler": ASHA, "training": {"epochs": 4}}
        return Study.create_or_join(storage, define(trials, **sections, search={"trials": trials, **search}))

    yield make
    storage.close()


def begin(study: Study, number: int, value: float) -> Trial:
    """Take a fresh trial and train it to the first rung, with a checkpoint."""
    trial = claim(study, [value])
    assert trial.number == number
    study.checkpoints.record(study.trials.lease_of(trial), 1, f"checkpoint-{number}-1", "0" * 64)
    return trial


def pause(study: Study, trial: Trial, value: float, epochs: int = 1) -> None:
    """Have a trial ask at a rung whether it goes on, and put it back as it does not."""
    lease = study.trials.lease_of(trial)
    assert not study.rungs.reach(lease, epochs, value)
    study.trials.hand_back(lease)


def start(study: Study, *values: float) -> None:
    """Train a trial for each value to the first rung, where it pauses."""
    for number, value in enumerate(values):
        pause(study, begin(study, number, value), value)


def states(study: Study) -> list[str]:
    """The states of all trials."""
    return [each.state.name for each in study.storage.get_all_trials(study.id)]


def take(study: Study) -> Lease | None:
    """Claim a trial, if there is one."""
    trial = study.trials.claim(random_sampler, study.optuna().pruner)
    return None if trial is None else study.trials.lease_of(trial)


def test_a_paused_trial_waits_with_all_that_is_known_of_it_and_goes_on_from_its_checkpoint(made: Any) -> None:
    study = made(3)
    start(study, 0.5)
    (waiting, *_) = study.storage.get_all_trials(study.id)
    assert (waiting.state, waiting.intermediate_values) == (TrialState.WAITING, {1: 0.5})
    pause(study, begin(study, 1, 0.6), 0.6)
    lease = take(study)  # the better one of two
    assert lease is not None
    assert (lease.number, lease.interruptions) == (0, 0)
    assert lease.checkpoint is not None
    assert (lease.checkpoint.epoch, lease.checkpoint.artifact_id) == (1, "checkpoint-0-1")
    study.trials.hand_back(lease)
    assert study.counts() == Counts(waiting=3, paused=1)  # whoever goes on is not paused any more


def test_a_trial_that_would_go_on_next_goes_on_at_once(made: Any) -> None:
    study = made(3)
    start(study, 0.5)
    better = begin(study, 1, 0.4)
    lease = study.trials.lease_of(better)
    assert study.rungs.reach(lease, 1, 0.4)
    assert study.rungs.reach(lease, 1, 0.4)  # asked again, by whoever goes on after a crash, it still does
    assert not study.rungs.reach(lease, 2, 0.4)  # at the next rung it is alone


def test_a_trial_whose_worker_died_at_a_rung_is_paused_there(made: Any) -> None:
    study = made(3)
    dead = begin(study, 0, 0.5)
    assert not study.rungs.reach(study.trials.lease_of(dead), 1, 0.5)
    over = leases.update().values(renewed_at=0.0, ttl_seconds=0.0)
    study.storage.transact(lambda connection: connection.execute(over))
    study.trials.reclaim_expired()
    pause(study, begin(study, 1, 0.6), 0.6)  # and not the one that came back
    again = take(study)
    assert again is not None
    assert (again.number, again.interruptions) == (0, 1)
    assert study.rungs.reach(again, 1, 0.5)
    found = select(rungs.c.trial_id).where(rungs.c.trial_id == again.trial_id)
    assert len(study.storage.read(lambda connection: connection.execute(found).all())) == 1


def test_who_has_lost_a_trial_notes_no_rung_of_it(made: Any) -> None:
    study = made(2)
    lost = study.trials.lease_of(begin(study, 0, 0.5))
    study.trials.hand_back(lost)
    with pytest.raises(LeaseLostError):
        study.rungs.reach(lost, 1, 0.5)
    assert study.storage.read(lambda connection: connection.execute(select(rungs)).all()) == []


def test_a_trial_that_was_handed_back_comes_before_a_fresh_one(made: Any) -> None:
    study = made(3)
    start(study, 0.5)
    stopped = begin(study, 1, 0.6)
    study.trials.hand_back(stopped)
    lease = take(study)
    assert lease is not None
    assert lease.number == 1


def test_a_failed_trial_makes_room_for_one_that_was_behind(made: Any) -> None:
    study = made(5)
    start(study, 0.5, 0.6)
    best = claim(study)
    assert best.number == 0
    pause(study, begin(study, 2, 0.7), 0.7)
    fresh = claim(study)  # three have reached the rung, and one of them has gone on
    study.results.fail(best, "error", "it broke")
    came_back = claim(study)
    assert (fresh.number, came_back.number) == (3, 1)
    study.trials.hand_back(fresh)
    study.trials.hand_back(came_back)


def test_one_trial_comes_to_its_end_and_the_rest_ends_as_pruned(made: Any) -> None:
    study = made(3)
    start(study, 0.5, 0.6)
    assert study.rungs.close(spent=False) == 0  # there are trials to claim
    best = claim(study)
    lease = study.trials.lease_of(best)
    for epoch in (2, 3, 4):
        best.report(0.5 - epoch / 100, epoch)
    third = begin(study, 2, 0.7)
    pause(study, third, 0.7)
    assert study.rungs.reach(lease, 2, 0.48)  # none is left to begin
    assert study.rungs.close(spent=False) == 0  # one runs
    study.results.complete(best, 0.46)
    assert take(study) is None
    assert not study.rungs.any_left()
    study.request_stop()
    assert study.rungs.close(spent=False) == 0  # who is asked to leave ends nothing
    study.clear_stop()
    assert study.rungs.close(spent=False) == 2
    assert states(study) == ["COMPLETE", "PRUNED", "PRUNED"]
    (_, second, _) = study.storage.get_all_trials(study.id)
    assert (second.values, second.user_attrs[PRUNED_AFTER]) == ([0.6], 1)
    assert second.datetime_complete is not None
    assert sorted(study.checkpoints.leftovers()) == [f"checkpoint-{number}-1" for number in range(3)]
    assert study.rungs.close(spent=False) == 0


def test_the_best_of_what_is_paused_when_the_budget_is_spent_is_complete(made: Any) -> None:
    study = made(4)
    start(study, 0.6, 0.7)
    handed_back = claim(study, [])
    handed_back.report(0.5, 2)
    study.trials.hand_back(handed_back)
    assert study.rungs.close(spent=False) == 0
    assert study.rungs.close(spent=True) == 2
    assert states(study) == ["COMPLETE", "PRUNED", "WAITING", "WAITING"]
    best = study.best()
    assert best is not None
    assert (best.number, best.value, best.pruned_after) == (0, 0.5, 2)


def test_trials_that_are_added_have_paused_ones_compete_again(made: Any) -> None:
    study = made(1)
    first = begin(study, 0, 0.5)
    assert study.rungs.reach(study.trials.lease_of(first), 1, 0.5)  # none is left to begin
    study.extend(1)
    assert not study.rungs.reach(study.trials.lease_of(first), 2, 0.5)
    study.trials.hand_back(first)
    pause(study, begin(study, 1, 0.6), 0.6)
    lease = take(study)
    assert lease is not None
    assert lease.number == 0


def test_all_go_on_as_long_as_a_budget_of_epochs_lasts(made: Any) -> None:
    study = made(2, epochs=100)
    start(study, 0.5)
    pause(study, begin(study, 1, 0.6), 0.6)
    for number in (0, 1):
        trial = claim(study)
        assert trial.number == number
        assert study.rungs.reach(study.trials.lease_of(trial), 2, 0.4)
        study.results.complete(trial, 0.4)
    assert study.counts() == Counts(complete=2)


def test_a_trial_that_reaches_the_target_goes_on_to_its_end(made: Any) -> None:
    study = made(3, target=0.4)
    good = begin(study, 0, 0.39)
    assert study.rungs.reach(study.trials.lease_of(good), 1, 0.39)


def test_a_trial_that_draws_again_has_reached_no_rung(made: Any) -> None:
    study = made(2)
    trial = begin(study, 0, 0.5)
    assert not study.rungs.reach(study.trials.lease_of(trial), 1, 0.5)
    study.trials.draw_again(trial)
    assert study.storage.read(lambda connection: connection.execute(select(rungs)).all()) == []


def test_every_epoch_is_trained_once_however_many_workers_pause_and_promote(empty_storage_url: str) -> None:
    sections: dict[str, Any] = {"scheduler": {"name": "asha"}, "training": {"epochs": 9}}
    storage = open_storage(empty_storage_url, create=False)
    study = Study.create_or_join(storage, define(24, name="paused", **sections))
    answers = run_processes("pause", empty_storage_url, processes=4, trials=24)
    assert all(isinstance(stretches, list) for stretches in answers), answers  # and not a traceback
    last = dict.fromkeys(range(24), 0)
    for number, first, end in sorted(each for answer in answers for each in answer):
        assert first == last[number] + 1, answers
        last[number] = end
    reached = [sum(epochs >= rung for epochs in last.values()) for rung in (1, 3, 9)]
    assert reached[0] == 24
    assert 1 <= reached[2] <= reached[1] < 16
    counts = study.counts()
    assert (counts.waiting, counts.running, counts.failed) == (0, 0, 0)
    assert counts.complete == reached[2]
    storage.close()
