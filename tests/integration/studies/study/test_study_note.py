"""A study's note in optuna-dashboard: what it says, and that people's own words in it are theirs."""

from collections.abc import Iterator
from typing import Any

import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna_dashboard import get_note, save_note

from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study import note_rows
from studyhall.studies.study.note import refresh_note
from studyhall.studies.study.note_rows import MARK
from studyhall.studies.study.note_text import settings
from studyhall.studies.study.study import Study
from tests.support.studies import define


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False)
    yield storage
    storage.close()


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    return Study.create_or_join(storage, define(5, description="small *networks*", sampler="random"))


def complete(study: Study, value: float, **hyperparameters: Any) -> int:
    trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
    assert trial is not None
    trial.set_user_attr("hyperparameters", hyperparameters)
    study.results.complete(trial, value)
    return trial._trial_id


def text(study: Study) -> str:
    return str(get_note(study.optuna()))


def test_new_study_has_a_note_with_its_definition(study: Study) -> None:
    assert "small \\*networks\\*" in text(study)
    assert 'name = "random"' in text(study).lower().replace("randomsampler", "random")
    assert "sqlite" not in text(study)
    assert "Best" not in text(study)


def test_best_result_is_in_the_note_with_a_link_and_without_markup_of_its_own(study: Study) -> None:
    complete(study, 0.5, activation="[relu](javascript:x)")
    assert refresh_note(study)
    assert "val\\_loss 0.5" in text(study)
    assert f"/dashboard/studies/{study.id}/trials?numbers=0" in text(study)
    assert "\\[relu\\]\\(javascript" in text(study)
    complete(study, 0.25)
    refresh_note(study)
    assert "val\\_loss 0.25" in text(study)
    assert "val\\_loss 0.5" not in text(study)


def test_a_process_that_does_not_know_the_best_trial_leaves_the_note_to_the_one_that_does(
    storage: StudyStorage, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(study, 0.5)
    late = study.optuna().best_trial
    complete(study, 0.25)
    refresh_note(study)
    monkeypatch.setattr("studyhall.studies.study.note.best_trial", lambda study: late)
    refresh_note(study)
    assert "val\\_loss 0.25" in text(study)


def test_what_people_write_above_the_mark_stays(study: Study) -> None:
    save_note(study.optuna(), f"Ask Jo first!\n\n{text(study)}")
    complete(study, 0.5)
    assert refresh_note(study)
    assert text(study).startswith("Ask Jo first!\n\n")
    assert text(study).count(MARK) == 1
    assert "val\\_loss 0.5" in text(study)


@pytest.mark.parametrize("own", ["All mine.", ""])
def test_a_note_without_the_mark_is_left_alone(study: Study, own: str) -> None:
    save_note(study.optuna(), own)
    complete(study, 0.5)
    assert not refresh_note(study)
    assert text(study) == own


def test_a_note_that_becomes_shorter_has_no_rest_of_the_longer_one(study: Study) -> None:
    long = "x" * 5000
    study.storage.transact(lambda connection: note_rows.rewrite(connection, study.id, long))
    assert text(study).endswith(long)
    study.storage.transact(lambda connection: note_rows.rewrite(connection, study.id, "short"))
    assert text(study) == f"{MARK}\n\nshort"


def test_a_note_that_says_the_same_keeps_its_version(study: Study) -> None:
    complete(study, 0.5)
    refresh_note(study)
    before = study.storage.get_study_system_attrs(study.id)
    refresh_note(study)
    assert study.storage.get_study_system_attrs(study.id) == before


def test_definition_in_the_note_leaves_out_defaults_and_the_storage() -> None:
    definition = define(5, storage={"url": "postgresql://jo:secret@host/db"}, training={"epochs": 3})
    assert settings(definition) == "[search]\ntrials = 5\n\n[training]\nepochs = 3\n"
