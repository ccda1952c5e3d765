"""A budget that is spent is an end, and the best trial is published."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from sqlalchemy import update

from studyhall.search.core.events import Event, Published
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.session.session import Session
from studyhall.search.session.workplace import Workplace
from studyhall.search.views.progress import Progress
from studyhall.search.workers.settings import WorkerSettings
from studyhall.studies.bundle.record import published
from studyhall.studies.database.attributes import STARTED
from studyhall.studies.database.optuna_tables import study_user_attributes
from studyhall.studies.errors import UserCodeError, WorkFailedError
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.study.study import Study
from tests.support.studies import claim
from tests.support.trainers import FACTS, PublishingTrainer


class Shown:
    """Keeps what a search shows."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.said: list[str] = []

    def observe(self, event: Event) -> None:
        self.events.append(event)

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def study(site: Any, tmp_path: Any) -> Study:
    """A study of three trials and one hour, with a best trial; nothing has used the hour up."""
    study: Study = site.study(trials=3, search={"trials": 3, "hours": 1.0, "figures": False})
    trial = claim(study, [0.5])
    study.results.record(trial, FACTS | {"hyperparameters": {}, "history": {"val_loss": [0.5]}})
    model = tmp_path / "model.keras"
    model.write_bytes(b"weights")
    KeptModels(study, site.store).keep(trial.number, 0.5, model)
    study.results.complete(trial, 0.5)
    return study


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def search(site: Any, study: Study, shown: Shown) -> Iterator[Session]:
    trainer = PublishingTrainer()
    place = Workplace(study, site.store, site.url, "artifacts")
    yield Session(place, trainer, cast(Progress, shown), StopSwitch(), WorkerSettings(), site.url)
    trainer.close()


def spend(study: Study) -> None:
    """Have the first trial begun two hours ago."""
    table = study_user_attributes
    begun = update(table).where(table.c.study_id == study.id, table.c.key == STARTED).values(value_json="1.0")
    study.storage.transact(lambda connection: connection.execute(begun))


def require_an_end(search: Session, study: Study, shown: Shown) -> None:
    assert search.search()
    assert any(isinstance(each, Published) for each in shown.events)
    assert published(study.storage, study.id) is not None
    assert "The search ends: 1 hour is over; 2 trials are left in the queue" in shown.said
    assert search.finish(True, "again") == 0


def test_hours_that_are_over_end_a_search_with_its_best_trial_published(
    search: Session, study: Study, shown: Shown
) -> None:
    spend(study)
    require_an_end(search, study, shown)


@pytest.mark.parametrize("error", [WorkFailedError("3 trials failed"), UserCodeError("m.py was edited")])
def test_a_worker_that_fails_when_the_hours_are_over_changes_nothing(
    search: Session, study: Study, shown: Shown, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(worker: object) -> None:
        spend(study)
        raise error

    monkeypatch.setattr("studyhall.search.workers.worker.Worker.run", fail)
    require_an_end(search, study, shown)
    assert str(error) in shown.said


def test_a_worker_that_fails_before_ends_the_search_as_ever(
    search: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(worker: object) -> None:
        raise WorkFailedError("3 trials failed")

    monkeypatch.setattr("studyhall.search.workers.worker.Worker.run", fail)
    with pytest.raises(WorkFailedError, match="3 trials failed"):
        search.search()
