"""A budget of epochs is exact, with any number of workers, on SQLite and on PostgreSQL."""

import threading

import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler

from studyhall.studies.definition import Definition
from studyhall.studies.errors import LeaseLostError
from studyhall.studies.queue.lease import Lease
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study


def open_study(url: str, trials: int = 4) -> Study:
    definition = Definition.model_validate({"name": "bss", "search": {"trials": trials}})
    return Study.create_or_join(open_storage(url, create=False), definition)


def take(study: Study) -> Lease:
    trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
    assert trial is not None
    return study.trials.lease_of(trial)


def test_workers_that_begin_epochs_at_once_get_exactly_the_budget(empty_storage_url: str) -> None:
    open_study(empty_storage_url)
    trained: list[int] = []
    together = threading.Barrier(4)

    def work() -> None:
        study = open_study(empty_storage_url)
        lease = take(study)
        together.wait()
        epoch = 0
        while study.begin_epoch(lease, epoch + 1, 23):
            epoch += 1
        trained.append(epoch)
        study.storage.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == 4
    assert sum(trained) == 23


def test_an_epoch_that_is_trained_again_elsewhere_counts_once(empty_storage_url: str) -> None:
    study = open_study(empty_storage_url)
    first = take(study)
    assert [study.begin_epoch(first, epoch, 3) for epoch in (1, 2)] == [True, True]
    study.trials.hand_back(first)
    again = take(study)
    assert again.number == first.number
    assert [study.begin_epoch(again, epoch, 3) for epoch in (2, 3, 4)] == [True, True, False]
    with pytest.raises(LeaseLostError):
        study.begin_epoch(first, 2, 3)
