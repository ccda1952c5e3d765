"""A network that is best early in its training, from the search to the published model, as plain Keras finds
it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import pytest

from studyhall.search.core.outcome import Appraised, Failed
from studyhall.search.processes.channel import AppraiseTask, Task, TrialTask
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.session.publisher import Publisher
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import Workload, load_workload
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.bundle.fetching import fetch
from studyhall.studies.bundle.record import published
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import define

# The weight that a trial has in each of its epochs; the right one is 1, and the error (1 - weight) ** 2.
PROJECT = """
import keras
import numpy as np

WEIGHTS = {"steady": [0.1, 0.2, 0.3, 0.4], "peak": [0.5, 0.9, 0.3, 0.3], "late": [0.2, 0.3, 0.4, 0.5]}
X = np.ones((4, 1), "float32")


class Goals(keras.callbacks.Callback):
    def __init__(self, name):
        super().__init__()
        self.weights = WEIGHTS[name]

    def on_epoch_begin(self, epoch, logs=None):
        self.model.set_weights([np.array([[self.weights[epoch]]])])


def build(hp):
    hp.Choice("plan", list(WEIGHTS), default="steady")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.0), loss="mse", metrics=[nearness], run_eagerly=True)
    return model


@keras.saving.register_keras_serializable("early")
def nearness(y, predicted):
    return 1 - keras.ops.abs(y - predicted)


from keras_tuner import HyperModel


class Planned(HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, callbacks=(), **kwargs):
        return model.fit(*args, callbacks=[Goals(hp.get("plan")), *callbacks], **kwargs)


def load():
    return (X, X), (X, X)
"""

# One of those that compare trials, and one that looks at the trial alone;
# tests/integration/studies/storage/test_judging.py has all of them.
HALVING = {"name": "successivehalving", "options": {"min_resource": 3, "reduction_factor": 2}}
THRESHOLD = {"name": "threshold", "options": {"upper": 0.45, "n_warmup_steps": 3}}


class InProcess:
    """A trainer without a process of its own, whose retraining fails."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload

    def run(self, task: Task, handle: Any, stop: Callable[[], bool]) -> Any:
        if isinstance(task, TrialTask):
            return run_trial(handle, task.job.definition, self._workload, task.job.scratch)
        if isinstance(task, AppraiseTask):
            return Appraised(None, None)
        return Failed(FailureKind.ERROR, "it is not tried here")

    def stop(self) -> None:
        """Do nothing: there is no process."""


@pytest.mark.parametrize(
    ("metric", "direction", "pruner", "reached"),
    [("val_nearness", "maximize", HALVING, 0.9), ("val_loss", "minimize", THRESHOLD, 0.1**2)],
    ids=["maximize", "minimize"],
)
def test_early_peak_is_published_with_the_weights_of_its_peak(
    storage: StudyStorage,
    store: FileArtifactStore,
    tmp_path: Path,
    metric: str,
    direction: str,
    pruner: dict[str, Any],
    reached: float,
) -> None:
    (tmp_path / "early.py").write_text(PROJECT)
    definition = define(
        {
            "name": "early",
            "hypermodel": "early.py:Planned",
            "data": "early.py:load",
            "objective": {"metric": metric, "direction": direction},
            "search": {"trials": 3},
            "training": {"epochs": 4, "early_stopping": False, "reduce_learning_rate": False},
            "pruner": pruner,
            "enqueue": [{"plan": plan} for plan in ("late", "peak")],
        },
        tmp_path,
    )
    study = Study.create_or_join(storage, definition)
    trainer = cast(TrainerProcess, InProcess(load_workload(definition)))
    stop = StopSwitch()
    with Worker(study, trainer, store, lambda event: None, stop) as worker:
        worker.run()
    assert study.counts().finished == 3
    best = study.best()
    assert best is not None
    assert best.hyperparameters == {"plan": "peak"}
    assert best.value == pytest.approx(reached, rel=1e-5)

    assert Publisher(study, trainer, store, lambda event: None, stop).publish_best()
    record = published(storage, study.id)
    assert record is not None
    assert (record.trial, record.source, record.value) == (best.number, "trial", best.value)
    folder = fetch(record, store, tmp_path / "bundle")
    model = keras.models.load_model(folder / "model.keras", compile=False)
    predicted = model.predict(np.ones((4, 1), "float32"), verbose=0)
    assert predicted == pytest.approx(np.full((4, 1), 0.9), rel=1e-6)
