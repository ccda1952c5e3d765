"""Two processes that would publish the same study: one retrains, the other waits for what becomes of it."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from sqlalchemy import update

from studyhall.search.core.events import (
    BatchDone,
    EpochDone,
    Evaluating,
    Event,
    Published,
    RetrainingStarted,
    WaitingToPublish,
)
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.session import publisher
from studyhall.search.session.publisher import Publisher
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.record import published
from studyhall.studies.bundle.turn import PublicationTurn
from studyhall.studies.database import studyhall_tables
from studyhall.studies.definition import Definition
from studyhall.studies.errors import LeaseLostError, UserCodeError
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.trainers import FACTS, PublishingTrainer


class Session:
    """One process that would publish."""

    def __init__(self, url: str, artifacts: Path, finish: Callable[[], None], **options: Any) -> None:
        self.trainer = PublishingTrainer(finish)
        self.stop = StopSwitch()
        self.events: list[Event] = []
        self.waits = threading.Event()
        self.result: bool | Exception | None = None
        self.study = Study.open(open_storage(url, create=False), "bss")
        self.store = open_artifact_store(str(artifacts), create=True)
        self.publisher = Publisher(self.study, self.trainer, self.store, self.hear, self.stop, **options)
        self.thread = threading.Thread(target=self._publish)

    def hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, WaitingToPublish):
            self.waits.set()

    def _publish(self) -> None:
        try:
            self.result = self.publisher.publish_best()
        except Exception as error:  # noqa: BLE001 - it is what the test asks for
            self.result = error

    def end(self) -> bool | Exception | None:
        self.thread.join(30)
        assert not self.thread.is_alive()
        return self.result

    def close(self) -> None:
        self.stop.set()
        if self.thread.ident is not None:
            self.end()
        self.trainer.close()
        self.study.storage.close()

    @property
    def has_published(self) -> bool:
        return any(isinstance(event, Published) for event in self.events)


Open = Callable[..., Session]


def turn_of(study: Study, holder: str) -> PublicationTurn:
    return PublicationTurn(study.storage, study.id, study.name, holder)


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a storage that holds a study with one complete trial."""
    shutil.copy(sqlite_template, tmp_path / "studies.db")
    url = f"sqlite:///{tmp_path}/studies.db"
    storage = open_storage(url, create=False)
    study = Study.create_or_join(storage, Definition.model_validate({"name": "bss", "search": {"trials": 1}}))
    trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
    assert trial is not None
    rate = suggest_value(trial, "rate", FloatDistribution(0, 1))
    trial.set_user_attr("hyperparameters", {"rate": rate})
    study.results.complete(trial, 1.0)
    storage.close()
    return url


@pytest.fixture
def session(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a session on the study; none of them draws figures, which takes seconds."""
    monkeypatch.setattr(Publisher, "_attach_figures", lambda self, scratch: None)
    monkeypatch.setattr(publisher, "LOOK_SECONDS", 0.02)
    sessions = []

    def open_session(finish: Callable[[], None] = lambda: None, **options: Any) -> Session:
        sessions.append(Session(url, tmp_path / "artifacts", finish, **options))
        return sessions[-1]

    yield open_session
    for each in sessions:
        each.close()


def expire(study: Study) -> None:
    """Have the turn's holder be silent since a long time ago."""
    long_ago = update(studyhall_tables.publications).values(renewed_at=0.0, ttl_seconds=0.0)
    study.storage.transact(lambda connection: connection.execute(long_ago))


def test_the_second_waits_for_the_bundle_of_the_first_and_trains_nothing(session: Open) -> None:
    begun, finish = threading.Event(), threading.Event()

    def retrain() -> None:
        begun.set()
        finish.wait(30)

    first, second = session(retrain), session()
    first.thread.start()
    assert begun.wait(30)
    second.thread.start()
    assert second.waits.wait(30)
    finish.set()
    assert (first.end(), second.end()) == (True, True)
    assert (first.trainer.retrained, second.trainer.retrained) == (1, 0)
    assert (first.has_published, second.has_published) == (True, False)


def test_the_second_takes_over_from_a_first_that_failed(session: Open) -> None:
    second = session()

    def fail_when_waited_for() -> None:
        second.thread.start()
        assert second.waits.wait(30)
        raise UserCodeError("no model to be had")

    first = session(fail_when_waited_for)
    first.thread.start()
    assert isinstance(first.end(), UserCodeError)
    assert second.end() is True
    assert second.has_published


def test_the_second_takes_over_from_a_first_that_is_silent_and_the_first_then_publishes_nothing(
    session: Open,
) -> None:
    second = session()

    def be_frozen() -> None:
        expire(second.study)
        second.thread.start()
        assert second.end() is True

    first = session(be_frozen)
    first.thread.start()
    lost = first.end()
    assert isinstance(lost, LeaseLostError)
    assert str(lost).startswith("Another process is publishing the bundle of 'bss' now")
    assert (first.has_published, second.has_published) == (False, True)
    assert Evaluating() not in first.events, "it goes on with what is lost"


def test_a_session_that_waits_says_so_once_and_can_be_stopped(
    session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = session()
    wait, looks = second.stop.wait, []

    def look(seconds: float) -> bool:
        looks.append(seconds)
        if len(looks) == 3:
            second.stop.set()
        return wait(seconds)

    monkeypatch.setattr(second.stop, "wait", look)
    assert turn_of(second.study, "elsewhere 7").take() is None
    second.thread.start()
    assert second.end() is False
    assert second.events == [WaitingToPublish("elsewhere 7")]
    assert published(second.study.storage, second.study.id) is None


def test_a_session_publishes_again_when_nobody_else_does(session: Open) -> None:
    for _ in range(2):
        alone = session()
        alone.thread.start()
        assert alone.end() is True
        assert alone.has_published


def test_what_the_retraining_came_to_is_recorded_in_the_study(session: Open) -> None:
    alone = session()
    alone.thread.start()
    assert alone.end() is True
    recorded = alone.study.storage.get_study_user_attrs(alone.study.id)["studyhall:retraining"]
    assert recorded == {"trial": 0, "value": 0.5, "best_epoch": 1, "seconds": 1.0} | FACTS


def test_a_publication_is_told_step_by_step(session: Open) -> None:
    alone = session()
    alone.thread.start()
    assert alone.end() is True
    assert alone.events == [
        RetrainingStarted(0, alone.study.definition.retraining.epochs),
        EpochDone(None, 1, 0.5),
        BatchDone(None, 1, 3, 4),
        Evaluating(),
        Published("retrained", "retraining reached 0.5, the trial 1", 0.5, None),
    ]


def test_a_retraining_that_reaches_just_what_the_trial_did_is_published(
    session: Open, tmp_path: Path
) -> None:
    alone = session()
    alone.trainer.value = 1.0
    (tmp_path / "own.keras").write_bytes(b"own weights")
    KeptModels(alone.study, alone.store).keep(0, 1.0, tmp_path / "own.keras")
    alone.thread.start()
    assert alone.end() is True
    assert [event.source for event in alone.events if isinstance(event, Published)] == ["retrained"]


def test_a_turn_is_one_process_until_it_is_left_or_silent_too_long(empty_storage_url: str) -> None:
    storage = open_storage(empty_storage_url, create=False)
    study = Study.create_or_join(storage, Definition.model_validate({"name": "bss"}))
    first, second = turn_of(study, "first"), turn_of(study, "second")
    assert first.take() is None
    assert first.take() is None  # done again, as after a lost answer, it finds itself
    assert second.take() == "first"
    with pytest.raises(LeaseLostError):
        second.renew()
    second.leave()
    first.renew()
    expire(study)
    assert second.take() is None
    with pytest.raises(LeaseLostError):
        first.renew()
    first.leave()
    second.renew()
    second.leave()
    assert first.take() is None
    storage.close()
