"""A training that was interrupted and continued elsewhere equals one that was not: rules, dropout, order of
examples.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from studyhall.search.core.outcome import Completed, HandedBack, TrialOutcome
from studyhall.search.training.check import DefaultsHandle
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import Workload, load_workload
from studyhall.studies.definition import Definition
from studyhall.studies.study_file.loading import define

PROJECT = '''
import keras
import keras_tuner
import numpy as np
from keras import layers


class Net(keras_tuner.HyperModel):
    """Dropout, a momentum, and a rate at which the loss soon rises and falls."""

    def build(self, hp):
        model = keras.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dropout(0.3), layers.Dense(1)])
        model.compile(keras.optimizers.SGD(hp.Float("rate", 0.001, 0.5, default=0.01), momentum=0.9), loss="mse")
        return model


class Noisy(keras.utils.PyDataset):
    """Adds noise by the generator that everybody uses; Keras shuffles the batches by Python's."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x) // 8

    def __getitem__(self, index):
        x, y = (each[8 * index:8 * index + 8] for each in (self.x, self.y))
        return x + np.random.normal(scale=0.1, size=x.shape).astype("float32"), y


def examples(count, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 3)).astype("float32")
    return x, (x @ [[1.0], [-2.0], [0.5]] + random.normal(size=(count, 1))).astype("float32")


def load():
    return Noisy(*examples(32, 0)), examples(16, 1)
'''
EPOCHS = 30


class Handle(DefaultsHandle):
    """A trial that keeps its checkpoints in a folder, and is stopped after so many epochs."""

    def __init__(self, folder: Path, stop_after: int | None = None) -> None:
        super().__init__(seed=7)
        self.facts: dict[str, Any] = {}
        self._folder = folder
        self._stop_after = stop_after
        self._finished = 0

    def report(self, step: int, value: float, *others: float) -> bool:
        self._finished = step
        self.facts.setdefault("reported", []).append(step)
        return False

    def keeps(self, value: float) -> bool:
        return True

    def record(self, facts: Mapping[str, Any]) -> None:
        self.facts.update(facts)

    def checkpoint(self, epochs: int, path: Path) -> None:
        shutil.copy(path, self._folder / f"{epochs}.npz")

    def stop_requested(self) -> bool:
        return self._finished == self._stop_after


class Study:
    """A study of that model on those examples, whose trials may stop early."""

    def __init__(self, folder: Path) -> None:
        (folder / "project.py").write_text(PROJECT)
        self.folder = folder
        tables = {
            "name": "resumed",
            "hypermodel": "project.py:Net",
            "data": {"source": "project.py:load"},
            "training": {
                "epochs": EPOCHS,
                "early_stopping": {"patience": 4},
                "reduce_learning_rate": {"patience": 1, "factor": 0.5, "min_delta": 0.0},
            },
        }
        self._definition: Definition = define(tables, folder)
        self._workload: Workload = load_workload(self._definition)

    def run(self, stop_after: int | None = None, resume_from: int | None = None) -> tuple[TrialOutcome, Any]:
        """Train until so many epochs are finished, from the checkpoint after so many; return its end and
        facts.
        """
        handle = Handle(self.folder, stop_after)
        path = self.folder / f"{resume_from}.npz" if resume_from is not None else None
        return run_trial(handle, self._definition, self._workload, self.folder, path), handle.facts

    def saves_best_apart(self, epoch: int) -> bool:
        """Whether the checkpoint after an epoch has other weights beside its own."""
        with np.load(self.folder / f"{epoch}.npz") as arrays:
            return any(name.startswith("best/") for name in arrays.files)


def test_training_interrupted_twice_stops_early_with_the_values_of_one_that_was_not(tmp_path: Path) -> None:
    study = Study(tmp_path)
    whole, told = study.run()
    assert isinstance(whole, Completed)
    epochs, best_epoch = told["epochs"], told["best_epoch"]
    assert best_epoch + 4 == epochs < EPOCHS, "it did not stop early"
    assert told["history"]["learning_rate"][-1] < 0.006, "its rate was not reduced"
    weights = keras.models.load_model(whole.model).get_weights()
    # The best epoch's weights are saved beside those of the last one, unless they are the same.
    assert [study.saves_best_apart(epoch) for epoch in (best_epoch, best_epoch + 1)] == [False, True]

    # The second time early stopping has begun to count.
    first, second = 2, epochs - 2
    assert study.run(stop_after=first)[0] == HandedBack(first)
    assert study.run(stop_after=second, resume_from=first)[0] == HandedBack(second)
    resumed, retold = study.run(resume_from=second)
    assert isinstance(resumed, Completed)
    assert retold["reported"] == list(range(second + 1, epochs + 1)), "it began afresh"
    assert (resumed.value, resumed.best_epoch) == (whole.value, best_epoch)
    assert (retold["epochs"], retold["history"]) == (epochs, told["history"])
    for one, other in zip(keras.models.load_model(resumed.model).get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
