"""The training process's own part, in this process: what it gives a trial and a retraining to train on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studyhall.data.separation import TrainingData, load
from studyhall.search.core.handle import Start
from studyhall.search.core.outcome import HandedBack, Retrained
from studyhall.search.processes.channel import (
    Call,
    Done,
    Job,
    Note,
    Refused,
    RetrainTask,
    TrainerEnd,
    TrialTask,
)
from studyhall.search.processes.trainer import Trainer
from studyhall.studies.definition import Definition
from studyhall.studies.study_file.loading import define
from tests.support.committed_folder import committed

MODEL = """
import keras
import numpy as np
from keras import layers


def separator(hp):
    '''Returns zeros and never learns, so that its loss is the mean square of the sources that it is given.'''
    model = keras.Sequential([
        layers.Input((32, 32, 1)), layers.Conv2D(2, 1, kernel_initializer="zeros"),
    ])
    model.compile(keras.optimizers.SGD(0.0), loss="mse")
    return model


def line(hp):
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1)])
    model.compile("sgd", loss="mse")
    return model


def arrays():
    x = np.zeros((64, 1), "float32")
    return (x, x), (x, x)
"""
EPOCHS = 3
SEED = 5


class End(TrainerEnd):
    """An end without a worker: it remembers what is said to it, and asks for a stop after some epochs."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.facts: dict[str, Any] = {}
        self.steps: set[int] = set()
        self.checkpoints: list[Path] = []
        self._stop_after = stop_after
        self._finished = 0

    def send(self, message: Call | Note | Done | Refused) -> None:
        assert isinstance(message, Note)
        _, _, steps = message.arguments
        self.steps.add(steps)

    def call(self, method: str, *arguments: Any) -> Any:
        match method:
            case "suggest":
                return arguments[-1]
            case "report":
                self._finished = arguments[0]
                return False
            case "record":
                self.facts.update(arguments[0])
            case "checkpoint":
                self.checkpoints.append(arguments[1].rename(arguments[1].with_name(f"{arguments[0]}.npz")))
                arguments[1].touch()
            case "begin_epoch":
                return True
        return False

    @property
    def stop_requested(self) -> bool:
        return self._finished == self._stop_after


def study(folder: Path, **tables: Any) -> Definition:
    """A study of drawn images that trains 4 batches of 16 in an epoch, and retrains 6 of 8."""
    (folder / "model.py").write_text(MODEL)
    defaults = {
        "name": "seen",
        "hypermodel": "model.py:separator",
        "data": {"source": "synthetic", "samples_per_epoch": 64, "validation_samples": 16},
        "training": {"epochs": EPOCHS, "batch_size": 16, "early_stopping": False, "seed": SEED},
        "retraining": {"epochs": EPOCHS, "batch_size": 8, "samples_per_epoch": 48, "early_stopping": False},
    }
    return define(defaults | tables, folder)


def losses(data: TrainingData) -> list[float]:
    """The loss of the separator in each epoch."""
    found = []
    for epoch in range(EPOCHS):
        data.train.set_epoch(epoch)
        found.append(float(np.square(np.concatenate([sources for _, sources in data.train])).mean()))
    return found


def drawn(definition: Definition, samples: int, batch_size: int) -> TrainingData:
    data = definition.data
    images = data.validation_images
    return load("synthetic", data.mix, samples, 16, images, batch_size=batch_size, seed=SEED)


def test_trial_trains_on_each_epochs_own_mixtures_also_where_it_goes_on_elsewhere(tmp_path: Path) -> None:
    definition = study(tmp_path)
    expected = losses(drawn(definition, 64, 16))
    assert len(set(expected)) == EPOCHS
    job, start = Job(definition, tmp_path), Start(defaults=True)

    whole = End()
    Trainer(whole).run(TrialTask(job, 0, 1, start))
    assert whole.facts["history"]["loss"] == pytest.approx(expected, rel=1e-5)
    assert whole.steps == {4}

    first, second = End(stop_after=1), End()
    assert Trainer(first).run(TrialTask(job, 0, 1, start)) == HandedBack(1)
    Trainer(second).run(TrialTask(job, 0, 1, start, resume_from=first.checkpoints[-1]))
    assert second.facts["history"]["loss"] == pytest.approx(expected, rel=1e-5)


def test_retraining_has_its_own_samples_and_batch_size_and_each_epochs_own_mixtures(tmp_path: Path) -> None:
    definition, end = study(tmp_path), End()
    trainer = Trainer(end)
    trainer.run(TrialTask(Job(definition, tmp_path), 0, 1, Start(defaults=True)))
    end.steps.clear()
    retrained = trainer.run(RetrainTask(Job(definition, tmp_path), 0, 1, {}))
    assert isinstance(retrained, Retrained)
    assert end.steps == {6}
    assert retrained.history["loss"] == pytest.approx(losses(drawn(definition, 48, 8)), rel=1e-5)


def test_retraining_batches_a_persons_arrays_in_its_own_size(tmp_path: Path) -> None:
    definition = study(
        tmp_path,
        hypermodel="model.py:line",
        data={"source": "model.py:arrays"},
        retraining={"epochs": 1, "batch_size": 8},
    )
    end = End()
    assert isinstance(Trainer(end).run(RetrainTask(Job(definition, tmp_path), 0, 1, {})), Retrained)
    assert end.steps == {64 // 8}


def test_trial_and_retraining_record_the_commit_of_the_study(tmp_path: Path) -> None:
    definition = study(
        tmp_path, hypermodel="model.py:line", data={"source": "model.py:arrays"}, retraining={"epochs": 1}
    )
    commit, scratch, end = committed(tmp_path), tmp_path / "scratch", End()
    scratch.mkdir()
    trainer, job = Trainer(end), Job(definition, scratch)
    trainer.run(TrialTask(job, 0, 1, Start(defaults=True)))
    assert end.facts["revision"] == commit
    retrained = trainer.run(RetrainTask(job, 0, 1, {}))
    assert retrained.facts["revision"] == commit
    assert retrained.facts["input"] == end.facts["input"] == "host"
