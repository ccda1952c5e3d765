"""A budget of epochs is exact, with any number of workers, on SQLite and on PostgreSQL."""

import random
import threading

import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from sqlalchemy import update

from studyhall.studies.database.studyhall_tables import leases
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


def die(study: Study, lease: Lease) -> None:
    """Have the worker of a trial be silent for too long."""
    silent = update(leases).where(leases.c.trial_id == lease.trial_id).values(renewed_at=0.0)
    study.storage.transact(lambda connection: connection.execute(silent))


@pytest.mark.parametrize("seed", range(3))
def test_deaths_and_hand_backs_leave_the_budget_exact(empty_storage_url: str, seed: int) -> None:
    study = open_study(empty_storage_url, trials=9)
    chance = random.Random(seed)
    held = [take(study) for _ in range(3)]
    reached = {lease.number: 0 for lease in held}
    begun: list[tuple[int, int]] = []
    while held:
        lease = held.pop(chance.randrange(len(held)))
        epoch = reached.setdefault(lease.number, 0) + 1
        if not study.begin_epoch(lease, epoch, 17):
            study.trials.hand_back(lease)
            continue
        begun.append((lease.number, epoch))
        match chance.choice(["finish", "finish", "die", "hand back"]):
            case "finish":
                reached[lease.number] = epoch
                study.checkpoints.record(lease, epoch, f"{lease.number}-{epoch}", "0" * 64)
                held.append(lease)
                continue
            case "die":
                die(study, lease)
            case "hand back":
                study.trials.hand_back(lease)
        held.append(take(study))
    assert len(set(begun)) == 17
    assert len(begun) > 17, "nothing was begun twice"
    assert study.spent().epochs == 17
    study.storage.close()
