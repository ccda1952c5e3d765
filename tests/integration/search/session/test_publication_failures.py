"""A publication that does not come to its end: nothing is published, and how it ended says with
which status.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import Trial

from studyhall.search.core.outcome import Failed
from studyhall.search.processes.death import Death
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerCrashedError, TrainerStoppedError
from studyhall.search.session.publisher import Publisher
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.fetching import fetch
from studyhall.studies.bundle.manifest import load_manifest
from studyhall.studies.bundle.record import published
from studyhall.studies.definition import Definition
from studyhall.studies.errors import WorkFailedError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.trainers import FACTS, PublishingTrainer


@pytest.fixture
def study(sqlite_template: Path, tmp_path: Path) -> Iterator[Study]:
    shutil.copy(sqlite_template, tmp_path / "studies.db")
    storage = open_storage(f"sqlite:///{tmp_path}/studies.db", create=False)
    yield Study.create_or_join(storage, Definition.model_validate({"name": "bss", "search": {"trials": 1}}))
    storage.close()


@pytest.fixture
def trainer() -> Iterator[PublishingTrainer]:
    with PublishingTrainer() as trainer:
        yield trainer


@pytest.fixture
def switch() -> StopSwitch:
    return StopSwitch()


@pytest.fixture
def publisher(study: Study, trainer: PublishingTrainer, switch: StopSwitch, tmp_path: Path) -> Publisher:
    store = open_artifact_store(str(tmp_path / "artifacts"), create=True)
    return Publisher(study, trainer, store, lambda event: None, switch)


def complete(study: Study, **facts: Any) -> Trial:
    trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
    assert trial is not None
    trial.set_user_attr("hyperparameters", {"rate": suggest_value(trial, "rate", FloatDistribution(0, 1))})
    for name, fact in facts.items():
        trial.set_user_attr(name, fact)
    study.results.complete(trial, 1.0)
    return trial


def assert_nothing_is_published(study: Study, folder: Path) -> None:
    assert published(study.storage, study.id) is None
    assert not any((folder / "artifacts").iterdir())


def test_without_a_completed_trial_the_work_has_failed(
    study: Study, publisher: Publisher, tmp_path: Path
) -> None:
    with pytest.raises(WorkFailedError, match="No trial of 'bss' completed"):
        publisher.publish_best()
    assert_nothing_is_published(study, tmp_path)


def test_without_a_retrained_model_and_the_trials_own_the_work_has_failed(
    study: Study, publisher: Publisher, trainer: PublishingTrainer, tmp_path: Path
) -> None:
    complete(study)
    trainer.failure = Failed(FailureKind.NAN, "val_loss is nan")
    with pytest.raises(
        WorkFailedError, match=r"retraining failed: val_loss is nan, and the weights of trial 0"
    ):
        publisher.publish_best()
    assert_nothing_is_published(study, tmp_path)


def test_a_retraining_that_ends_its_process_leaves_the_trials_own_model_to_be_published(
    study: Study,
    publisher: Publisher,
    trainer: PublishingTrainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Publisher, "_attach_figures", lambda self, scratch: None)
    trial = complete(study, history={"val_loss": [1.0]}, **FACTS)
    (tmp_path / "own.keras").write_bytes(b"own weights")
    store = open_artifact_store(str(tmp_path / "artifacts"), create=False)
    KeptModels(study, store).keep(trial.number, 1.0, tmp_path / "own.keras")
    trainer.failure = TrainerCrashedError(Death(-11, None, False), "")
    assert publisher.publish_best()
    record = published(study.storage, study.id)
    assert record is not None
    folder = fetch(record, store, tmp_path / "best")
    assert (folder / "model.keras").read_bytes() == b"own weights"
    manifest = load_manifest(folder)
    assert manifest.source == "trial"
    assert manifest.why == "retraining failed: the training process died of SIGSEGV"


def test_a_stop_in_the_retraining_is_obeyed_and_nothing_is_published(
    study: Study, publisher: Publisher, trainer: PublishingTrainer, tmp_path: Path
) -> None:
    complete(study)
    trainer.failure = TrainerStoppedError()
    assert not publisher.publish_best()
    assert_nothing_is_published(study, tmp_path)


def test_an_evaluation_that_ends_its_process_is_one_line_and_failed_work(
    study: Study, publisher: Publisher, trainer: PublishingTrainer, tmp_path: Path
) -> None:
    def crash() -> None:
        raise TrainerCrashedError(Death(-11, None, False), "Segmentation fault\n")

    complete(study)
    trainer.before_appraisal = crash
    with pytest.raises(WorkFailedError, match="The evaluation of the model of 'bss' failed: .*Segmentation"):
        publisher.publish_best()
    assert_nothing_is_published(study, tmp_path)


def test_a_stop_in_the_evaluation_is_obeyed_and_nothing_is_published(
    study: Study, publisher: Publisher, trainer: PublishingTrainer, switch: StopSwitch, tmp_path: Path
) -> None:
    complete(study)
    trainer.before_appraisal = switch.set
    assert not publisher.publish_best()
    assert_nothing_is_published(study, tmp_path)
