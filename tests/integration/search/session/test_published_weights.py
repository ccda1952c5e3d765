"""What a search publishes, through its real training process: the fetched model's error, as plain Keras finds
it.

The trainer's process alone has the user's code; here Keras loads the file, and evaluates it on the same
examples.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.search.core.events import EpochDone, TrialEnded
from studyhall.search.core.outcome import Completed, Interrupted
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.session.publisher import Publisher
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.fetching import fetch
from studyhall.studies.bundle.manifest import Manifest, load_manifest
from studyhall.studies.bundle.record import published
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import define

PROJECT = '''
import keras
import numpy as np
from keras import layers


def build(hp):
    """Few examples and a momentum: the validation error soon rises again, and every epoch has another one."""
    model = keras.Sequential([
        layers.Input((6,)), layers.Dense(16, "tanh"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)
    ])
    rate = hp.Choice("rate", [0.0005, 0.02], default=0.02)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "mse", metrics=[keras.metrics.R2Score(name="r2")], run_eagerly=True)
    return model


def examples(count, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 6)).astype("float32")
    return x, (x[:, :1] - x[:, 1:2] * x[:, 2:3] + random.normal(scale=0.3, size=(count, 1))).astype("float32")


def load():
    return examples(32, 0), examples(64, 1)
'''


SLOW = {"rate": 0.0005}  # beside the default
R2 = {"metric": "val_r2", "direction": "maximize"}


class Search:
    """Searches of that model, one after the other, by one training process that is really one."""

    def __init__(self, folder: Path, template: Path, trainer: TrainerProcess) -> None:
        self.folder = folder
        self._trainer = trainer
        self._store = open_artifact_store(str(folder / "artifacts"), create=True)
        shutil.copy(template, folder / "studies.db")
        self.storage = open_storage(f"sqlite:///{folder}/studies.db", create=False)
        (folder / "project.py").write_text(PROJECT)
        self.events: list[Any] = []
        self.kill_after: int | None = None

    def study(self, *more: dict[str, float], name: str = "truth", **sections: Any) -> Study:
        """Train the trials of a study: the defaults, and more configurations."""
        tables = {
            "name": name,
            "hypermodel": "project.py:build",
            "data": "project.py:load",
            "search": {"trials": 1 + len(more), "figures": False, "seed": 2},
            "pruner": "none",
            "enqueue": list(more),
        }
        study = Study.create_or_join(self.storage, define(tables | sections, self.folder))
        with Worker(study, self._trainer, self._store, self._observe, StopSwitch()) as worker:
            worker.run()
        return study

    def _observe(self, event: Any) -> None:
        self.events.append(event)
        if isinstance(event, EpochDone) and event.epoch == self.kill_after and self._trainer.pid is not None:
            self.kill_after = None
            os.kill(self._trainer.pid, signal.SIGKILL)

    def fetched(self, study: Study) -> tuple[Manifest, dict[str, list[float]], Any]:
        """Publish the best model; return its manifest and history, and the model as plain Keras loads it."""
        assert Publisher(study, self._trainer, self._store, self._observe, StopSwitch()).publish_best()
        record = published(self.storage, study.id)
        assert record is not None
        folder = fetch(record, self._store, self.folder / f"fetched-{study.name}")
        history = json.loads((folder / "history.json").read_text())
        return load_manifest(folder), history, keras.models.load_model(folder / "model.keras")

    def kept(self, study: Study) -> Any:
        """Return the model of a study's first trial, which the store keeps."""
        path = self.folder / f"kept-{study.name}.keras"
        assert KeptModels(study, self._store).copy_to(0, path)
        return keras.models.load_model(path)


@pytest.fixture(scope="module")
def trainer() -> Iterator[TrainerProcess]:
    with TrainerProcess({"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}) as trainer:
        yield trainer


@pytest.fixture
def search(tmp_path: Path, sqlite_template: Path, trainer: TrainerProcess) -> Iterator[Search]:
    search = Search(tmp_path, sqlite_template, trainer)
    yield search
    search.storage.close()


@pytest.fixture
def found() -> Callable[[Any], dict[str, float]]:
    """Return what Keras finds of a model on the project's validation data, with the names of a study."""
    project: dict[str, Any] = {}
    exec(PROJECT, project)
    _, (x, y) = project["load"]()

    def evaluate(model: Any) -> dict[str, float]:
        error = float(np.mean((model.predict(x, verbose=0) - y) ** 2))
        evaluated = {
            f"val_{name}": value for name, value in model.evaluate(x, y, verbose=0, return_dict=True).items()
        }
        assert evaluated["val_loss"] == pytest.approx(error, rel=1e-5)
        return evaluated

    return evaluate


def trial_of(study: Study, number: int = 0) -> Any:
    return study.optuna().trials[number]


def test_a_worse_retraining_is_left_for_the_best_epoch_of_a_trial_that_stopped_early(
    search: Search, found: Callable[[Any], dict[str, float]]
) -> None:
    study = search.study(
        training={
            "epochs": 9,
            "batch_size": 16,
            "early_stopping": {"patience": 2},
            "reduce_learning_rate": False,
        },
        retraining={"epochs": 1, "schedule": "constant"},
    )
    facts = trial_of(study).user_attrs
    assert facts["best_epoch"] + 2 == facts["epochs"] < 9, "it did not stop early"
    manifest, _, model = search.fetched(study)
    assert (manifest.source, manifest.trial) == ("trial", 0)
    assert manifest.metrics["validation"] == manifest.metrics["trial_validation"] == trial_of(study).value
    assert found(model)["val_loss"] == pytest.approx(manifest.metrics["validation"], rel=1e-5)


def test_a_maximized_objective_publishes_the_higher_of_two_models_and_the_best_epoch_of_a_retraining(
    search: Search, found: Callable[[Any], dict[str, float]]
) -> None:
    study = search.study(
        SLOW,
        objective=R2,
        training={"epochs": 2, "batch_size": 16},
        retraining={"epochs": 9, "schedule": "constant", "early_stopping": {"patience": 1}},
    )
    values = [trial.values[0] for trial in study.optuna().trials]
    assert values[0] > values[1]
    manifest, history, model = search.fetched(study)
    assert (manifest.source, manifest.trial) == ("retrained", 0)
    assert manifest.metrics["trial_validation"] == values[0]
    assert manifest.metrics["validation"] == max(history["val_r2"]) > values[0]
    assert len(history["val_r2"]) < 9, "it did not stop early"
    assert history["val_r2"][-1] < manifest.metrics["validation"]
    assert found(model)["val_r2"] == pytest.approx(manifest.metrics["validation"], rel=1e-4)


def test_a_trial_that_was_killed_and_went_on_is_published_with_the_weights_of_one_that_was_not(
    search: Search, found: Callable[[Any], dict[str, float]]
) -> None:
    sections: dict[str, Any] = {
        "objective": R2,
        "training": {"epochs": 4, "batch_size": 16},
        "retraining": {"epochs": 1},
    }
    whole = search.study(name="whole", **sections)
    search.kill_after = 2
    study = search.study(**sections)
    ends = [type(event.outcome) for event in search.events if isinstance(event, TrialEnded)]
    assert ends == [Completed, Interrupted, Completed]
    epochs = [event.epoch for event in search.events if isinstance(event, EpochDone)]
    assert epochs == [1, 2, 3, 4, 1, 2, 2, 3, 4]
    assert trial_of(study).value == trial_of(whole).value
    assert trial_of(study).user_attrs["history"] == trial_of(whole).user_attrs["history"]

    manifest, _, model = search.fetched(study)
    assert (manifest.source, manifest.metrics["validation"]) == ("trial", trial_of(whole).value)
    assert found(model)["val_r2"] == pytest.approx(manifest.metrics["validation"], rel=1e-4)
    for one, other in zip(model.get_weights(), search.kept(whole).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
