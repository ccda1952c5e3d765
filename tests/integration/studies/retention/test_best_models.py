"""Which models a study keeps, and what a trial is told of that before it saves its own."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler

from studyhall.search.workers import study_handle
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.definition import Definition
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.study import Study


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    search = {"trials": 4, "keep_models": 2}
    return Study.create_or_join(storage, Definition.model_validate({"name": "bss", "search": search}))


@pytest.fixture
def kept(study: Study, store: FileArtifactStore) -> KeptModels:
    return KeptModels(study, store)


@pytest.fixture
def handle(study: Study, kept: KeptModels, store: FileArtifactStore, tmp_path: Path) -> Iterator[StudyHandle]:
    """The fourth trial, in hand while the first three have ended."""
    model = tmp_path / "model.keras"
    model.write_bytes(b"weights")
    for number, value in enumerate((0.3, 0.1, 0.2)):
        study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
        kept.keep(number, value, model)
    trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
    assert trial is not None
    with StudyHandle(study, trial, store, lambda event: None, lambda: False) as handle:
        yield handle


def test_the_best_are_kept_and_the_one_that_falls_behind_goes(handle: StudyHandle, kept: KeptModels) -> None:
    assert [each.number for each in kept.all()] == [1, 2]


def test_a_trial_hears_whether_its_model_would_be_among_the_best(handle: StudyHandle) -> None:
    assert handle.keeps(0.15)
    assert not handle.keeps(0.25)


def test_a_model_as_good_as_the_last_that_is_kept_does_not_displace_it(handle: StudyHandle) -> None:
    assert not handle.keeps(0.2)


def test_a_study_that_does_not_answer_has_the_model_saved(
    handle: StudyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = threading.Event()

    def away(self: KeptModels, number: int, value: float) -> bool:
        return not back.wait()

    monkeypatch.setattr(study_handle, "REPORT_SECONDS", 0.01)
    monkeypatch.setattr(KeptModels, "takes", away)
    try:
        assert handle.keeps(0.25)
    finally:
        back.set()
