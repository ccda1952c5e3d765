"""The catalogue says without Optuna what Optuna says."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from studyhall.studies.database.attributes import BUNDLE
from studyhall.studies.errors import StudyNotFoundError
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.summary import BestTrial, Counts
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study.study import Study
from tests.support.studies import define

STATES = (TrialState.WAITING, TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False)
    yield storage
    storage.close()


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [0.5, -1.5, 2.5],
        [math.inf, 3.0],
        [-math.inf, 3.0],
        [math.inf],
        [-math.inf],
        [math.inf, -math.inf, 0.0],
    ],
    ids=str,
)
def test_entries_are_what_optuna_says(
    empty_storage_url: str,
    storage: StudyStorage,
    direction: Literal["minimize", "maximize"],
    values: list[float],
) -> None:
    study = optuna.create_study(storage=storage, study_name="plain", direction=direction)
    for value in values:
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE, value=value, user_attrs={"hyperparameters": {"v": str(value)}}
            )
        )
    study.add_trial(create_trial(state=TrialState.PRUNED, value=-99.0))
    study.add_trial(create_trial(state=TrialState.FAIL))
    study.enqueue_trial({})
    study.enqueue_trial({})
    study.ask()
    with Catalogue(empty_storage_url) as catalogue:
        (entry,) = catalogue.summaries()
    states = [trial.state for trial in study.trials]
    assert entry.counts == Counts(*(states.count(state) for state in STATES))
    assert StudyDirection[entry.direction.upper()] is study.direction
    assert (entry.name, entry.definition, entry.signature, entry.created, entry.bundle) == (
        "plain",
        *[None] * 4,
    )
    if values:
        best = study.best_trial
        assert entry.best == BestTrial(best.number, best.value or 0.0, best.user_attrs["hyperparameters"])
    else:
        assert entry.best is None
    times = [time for each in study.trials for time in (each.datetime_start, each.datetime_complete) if time]
    assert entry.active == max(times).astimezone(UTC)


def test_entry_of_a_new_study_says_what_it_was_made_from(
    empty_storage_url: str, storage: StudyStorage
) -> None:
    definition = define(1, "bss", search={"trials": 7}, description="blind separation")
    study = Study.create_or_join(storage, definition)
    with Catalogue(empty_storage_url) as catalogue:
        entry = catalogue.summary("bss")
        assert catalogue.summaries() == [entry]
    assert entry.definition == definition.record()
    assert entry.signature == study.signature
    assert entry.counts == Counts(waiting=7)
    assert (entry.best, entry.active, entry.bundle) == (None, None, None)
    assert entry.created is not None
    assert abs(entry.created - datetime.now(UTC)) < timedelta(minutes=1)


def test_entry_shows_the_published_bundle(empty_storage_url: str, storage: StudyStorage) -> None:
    study = Study.create_or_join(storage, define(1, "bss"))
    storage.set_study_user_attr(study.id, BUNDLE, {"id": "x", "files": [1, 2]})
    with Catalogue(empty_storage_url) as catalogue:
        assert catalogue.summary("bss").bundle == {"id": "x", "files": [1, 2]}


def test_earliest_of_equally_good_trials_is_the_best(empty_storage_url: str, storage: StudyStorage) -> None:
    study = optuna.create_study(storage=storage, study_name="plain")
    for value in (2.0, 1.0, 1.0):
        study.add_trial(create_trial(value=value))
    with Catalogue(empty_storage_url) as catalogue:
        assert catalogue.summary("plain").best == BestTrial(1, 1.0, {})


def test_studies_are_listed_oldest_first_and_do_not_mix(
    empty_storage_url: str, storage: StudyStorage
) -> None:
    for name, trials in (("b", 2), ("a", 3)):
        Study.create_or_join(storage, define(1, name, search={"trials": trials}))
    with Catalogue(empty_storage_url) as catalogue:
        assert catalogue.names() == ["b", "a"]
        assert [(entry.name, entry.counts.total) for entry in catalogue.summaries()] == [("b", 2), ("a", 3)]


def test_study_that_is_not_there_is_missed_with_the_names_of_those_that_are(
    empty_storage_url: str, storage: StudyStorage
) -> None:
    Study.create_or_join(storage, define(1, "quickstart"))
    with Catalogue(empty_storage_url) as catalogue, pytest.raises(StudyNotFoundError) as caught:
        catalogue.summary("bss")
    assert str(caught.value) == (
        f"No study 'bss' in {storage.address.shown}. It holds: quickstart. "
        "Create it with: studyhall search STUDY.toml"
    )
