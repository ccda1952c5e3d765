"""What people are told of a study that several processes work on: everything once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studyhall.search.core.outcome import Completed, Failed, Pruned
from studyhall.search.notifications.messages import Message
from studyhall.search.workers.announcer import Announcer
from studyhall.studies.bundle.record import BundleRecord
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StorageError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study.study import Study
from tests.support.studies import claim

FAILURE = Failed(FailureKind.ERROR, "KeyError: filters")


class Told(list[Message]):
    """A notifier that remembers."""

    def send(self, message: Message) -> None:
        message.body()
        self.append(message)

    @property
    def events(self) -> list[str]:
        return [each.event for each in self]


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False)
    yield storage
    storage.close()


def join(storage: StudyStorage, trials: int = 3, **search: Any) -> Study:
    definition = Definition.model_validate({"name": "bss", "search": {"trials": trials} | search})
    return Study.create_or_join(storage, definition)


def complete(study: Study, announcer: Announcer, value: float) -> None:
    trial = claim(study)
    study.results.complete(trial, value)
    announcer.trial_ended(trial.number, Completed(value, 1, Path("model.keras")))


def test_new_best_is_told_by_the_worker_that_completed_it(storage: StudyStorage) -> None:
    study, told = join(storage), Told()
    announcer = Announcer(study, told)
    complete(study, announcer, 0.5)
    complete(study, announcer, 0.7)
    announcer.trial_ended(1, Pruned(2, 0.5, 1))
    complete(study, announcer, 0.3)
    assert told.events == ["new-best", "new-best"]
    assert told[-1].details == {"trial": {"number": 2, "value": 0.3}}
    assert told[-1].study_facts.best is not None
    assert told[-1].study_facts.best.number == 2


def test_new_best_that_the_pruner_ended_is_told(storage: StudyStorage) -> None:
    study, told = join(storage), Told()
    trial = claim(study)
    study.results.prune(trial, 0.5)
    Announcer(study, told).trial_ended(trial.number, Pruned(2, 0.5, 1, complete=True))
    assert told.events == ["new-best"]


def test_end_of_the_queue_is_told_once_and_again_after_an_extension(storage: StudyStorage) -> None:
    told = Told()
    workers = [(study := join(storage, trials=1)), join(storage, trials=1)]
    announcers = [Announcer(each, told) for each in workers]
    for each in announcers:
        each.left()
    assert told == []
    study.results.complete(claim(study), 0.5)
    for each in announcers:
        each.left()
    assert told.events == ["ended"]
    assert told[0].text == "bss: its one trial is finished; best val_loss 0.5, trial 0"
    study.extend(1)
    study.results.fail(claim(study), "error", "oh")
    for each in announcers:
        each.left()
    assert told.events == ["ended", "ended"]


def test_budget_that_is_used_up_is_told_when_the_last_trial_is_back(storage: StudyStorage) -> None:
    study, told = join(storage, trials=3, target=0.6), Told()
    announcer = Announcer(study, told)
    study.results.complete(claim(study), 0.5)
    running = claim(study)
    announcer.left()
    assert told == []
    study.trials.hand_back(running)
    announcer.left()
    announcer.left()
    assert told.events == ["ended"]
    assert told[0].details == {"ended": {"reason": "the target 0.6 is reached with 0.5"}}


def test_workers_that_give_up_for_the_same_reason_are_told_of_once(storage: StudyStorage) -> None:
    study, told = join(storage), Told()
    for worker in ("one", "other"):
        Announcer(study, told).gave_up(worker, 3, FAILURE)
    assert told.events == ["failures"]
    study.results.complete(claim(study), 0.5)
    Announcer(study, told).gave_up("one", 3, FAILURE)
    assert told.events == ["failures", "failures"]
    assert told[-1].details["failures"]["kind"] == "error"


def test_publication_is_told_with_its_test_error(storage: StudyStorage) -> None:
    study, told = join(storage), Told()
    entry = {"sha256": "0" * 64, "size": 1, "artifact_id": "manifest"}
    record = BundleRecord.model_validate(
        {
            "study": "bss",
            "created": "2026-01-01T00:00:00Z",
            "value": 0.25,
            "source": "retrained",
            "trial": 1,
            "manifest": entry,
            "files": {"model.keras": entry},
        }
    )
    Announcer(study, told).published(record, (0.001, 0.0001))
    assert told[0].text == "bss: published trial 1, retrained, val_loss 0.25, test error 0.001 ± 0.0001"


def test_database_that_is_away_ends_no_worker(
    storage: StudyStorage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study, told = join(storage, trials=1), Told()
    trial = claim(study)
    study.results.complete(trial, 0.5)

    def away(*arguments: Any) -> None:
        raise StorageError("the database is away")

    monkeypatch.setattr(study.storage, "transact", away)
    announcer = Announcer(study, told)
    announcer.trial_ended(0, Completed(0.5, 1, None))
    announcer.left()
    announcer.gave_up("one", 3, FAILURE)
    assert "the database is away" in caplog.text
