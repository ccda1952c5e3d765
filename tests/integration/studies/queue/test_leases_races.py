"""Many processes on one queue: every trial is had by one at a time, and finished once."""

from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from sqlalchemy import update

from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from tests.support.races import run_processes

WORKERS = {"sqlite": 8, "postgresql": 16}
TRIALS = 200


def test_every_trial_is_finished_once_whoever_works(storage_url: str) -> None:
    run_processes("start", storage_url, processes=1, trials=TRIALS)
    workers = WORKERS[storage_url.partition(":")[0]]
    answers = run_processes("work", storage_url, workers, trials=TRIALS)
    assert all(isinstance(claimed, list) for claimed in answers), answers  # and not a traceback
    claims = [number for claimed in answers for number in claimed]
    # Trials whose number is divisible by 5 are handed back the first time.
    assert sorted(claims) == sorted([*range(TRIALS), *range(0, TRIALS, 5)])
    storage = open_storage(storage_url, create=False)
    study = Study.open(storage, "raced")
    assert study.counts() == Counts(complete=TRIALS)
    assert study.spent().epochs == TRIALS + TRIALS // 5
    assert storage.read(lambda connection: connection.execute(leases.select()).all()) == []
    storage.close()


def test_no_two_workers_try_one_configuration(storage_url: str) -> None:
    run_processes("start", storage_url, processes=1, trials=30)
    answers = run_processes("draw", storage_url, processes=6, trials=30)
    assert all(isinstance(tried, list) for tried in answers), answers  # and not a traceback
    tried = sorted((each for answer in answers for each in answer), key=str)
    assert tried == [["conv", 0.1], ["conv", 0.3], ["conv", 0.5], ["dense", 1], ["dense", 2], ["dense", 3]]
    storage = open_storage(storage_url, create=False)
    study = Study.open(storage, "raced")
    assert study.counts() == Counts(complete=6)
    assert study.space.exhausted() == Exhausted(configurations=6, withdrawn=24)
    storage.close()


def test_expired_leases_are_taken_back_once_however_many_look(storage_url: str) -> None:
    run_processes("start", storage_url, processes=1, trials=20)
    storage = open_storage(storage_url, create=False)
    study = Study.open(storage, "raced")
    for _ in range(20):
        study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
    over = update(leases).values(renewed_at=0.0, ttl_seconds=0.0)
    storage.transact(lambda connection: connection.execute(over))
    released = [
        number for numbers in run_processes("reclaim", storage_url, 4, trials=20) for number in numbers
    ]
    assert sorted(released) == list(range(20))
    assert study.counts() == Counts(waiting=20)
    counts = storage.read(
        lambda connection: connection.scalars(leases.select().with_only_columns(leases.c.interruptions)).all()
    )
    assert list(counts) == [1] * 20
    storage.close()
