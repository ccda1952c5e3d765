"""Workers whose trials pause at rungs and come back: what is trained, recorded and left, by real training."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import pytest
from optuna.trial import FrozenTrial, TrialState

from studyhall.search.core.events import Event, TrialEnded
from studyhall.search.core.outcome import Paused, Pruned
from studyhall.search.processes.channel import TrialTask
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import load_workload
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.definition import Definition
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import define

# The second of the rates is the best one, and the third diverges slowly.
PROJECT = """
import keras
import keras_tuner
import numpy as np


def build(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.2), keras.layers.Dense(1)])
    rate = hp.Choice("rate", [0.001, 0.1, 0.01, 0.0001])
    model.compile(keras.optimizers.Adam(rate), loss="mse", run_eagerly=True)
    return model


class TwoFits(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, epochs, **kwargs):
        model.fit(*args, epochs=2, **kwargs)
        return model.fit(*args, epochs=2, **kwargs)


def load():
    random = np.random.default_rng(0)
    x = random.normal(size=(24, 3)).astype("float32")
    y = x @ np.array([[1.0], [-2.0], [0.5]], "float32")
    return (x[:16], y[:16]), (x[16:], y[16:])
"""
RATES = [0.001, 0.1, 0.01, 0.0001]


class InProcess:
    """A trainer without a process of its own."""

    def __init__(self, definition: Definition) -> None:
        self._workload = load_workload(definition)

    def run(self, task: TrialTask, handle: Any, stop: Callable[[], bool]) -> Any:
        job = task.job
        return run_trial(handle, job.definition, self._workload, job.scratch, task.resume_from)

    def stop(self) -> None:
        """Do nothing: there is no process."""


@pytest.fixture
def searched(storage: StudyStorage, store: FileArtifactStore, tmp_path: Path) -> Callable[..., Any]:
    """Have a worker search a study of four trials of four epochs; return the study and what was said."""

    def search(name: str, hypermodel: str = "build", **sections: Any) -> tuple[Study, Sequence[TrialEnded]]:
        (tmp_path / "paused.py").write_text(PROJECT)
        tables = {
            "name": name,
            "hypermodel": f"paused.py:{hypermodel}",
            "data": "paused.py:load",
            "search": {"trials": 4, "seed": 3, "keep_models": 4, "figures": False},
            "training": {"epochs": 4, "batch_size": 4},
            "enqueue": [{"rate": rate} for rate in RATES[1:]],
        }
        study = Study.create_or_join(storage, define(tables | sections, tmp_path))
        events: list[Event] = []
        trainer = cast(TrainerProcess, InProcess(study.definition))
        with Worker(study, trainer, store, events.append, StopSwitch()) as worker:
            worker.run()
        return study, [each for each in events if isinstance(each, TrialEnded)]

    return search


def trials_of(study: Study) -> list[FrozenTrial]:
    return study.storage.get_all_trials(study.id)


def weights_of(store: FileArtifactStore, study: Study, folder: Path) -> list[Any]:
    """The weights that are kept of the second trial."""
    path = folder / f"{study.name}.keras"
    assert KeptModels(study, store).copy_to(1, path)
    weights: list[Any] = keras.models.load_model(path).get_weights()
    return weights


@pytest.mark.parametrize("hypermodel", ["build", "TwoFits"])
def test_a_promoted_trial_comes_to_what_an_uninterrupted_one_does(
    searched: Callable[..., Any], store: FileArtifactStore, tmp_path: Path, hypermodel: str
) -> None:
    halved, said = searched("halved", hypermodel, scheduler={"name": "asha", "reduction_factor": 2})
    two = {"search": {"trials": 2, "seed": 3, "figures": False}, "enqueue": [{"rate": RATES[1]}]}
    whole, _ = searched("whole", hypermodel, pruner="none", **two)
    ended = [(each.number, each.outcome.epoch) for each in said if isinstance(each.outcome, Paused)]
    assert ended[:2] == [(0, 1), (1, 2)]  # the second goes on at once, as it is the better one of two
    best, uninterrupted = trials_of(halved)[1], trials_of(whole)[1]
    assert best.state is TrialState.COMPLETE
    assert best.intermediate_values == uninterrupted.intermediate_values
    assert best.values == uninterrupted.values
    assert best.user_attrs["history"] == uninterrupted.user_attrs["history"]
    cost = best.user_attrs["cost"]
    assert (cost["epochs"], cost["restores"]) == (4, 1)
    assert cost["seconds"] > 0
    both = weights_of(store, halved, tmp_path), weights_of(store, whole, tmp_path)
    for one, other in zip(*both, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_still_paused_ends_as_pruned_with_its_curve_and_without_its_checkpoint(
    searched: Callable[..., Any], store: FileArtifactStore
) -> None:
    study, said = searched("halved", scheduler={"name": "asha", "reduction_factor": 2})
    assert not [each for each in said if isinstance(each.outcome, Pruned)]
    states = [each.state for each in trials_of(study)]
    assert states == [TrialState.PRUNED, TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED]
    for each in trials_of(study):
        if each.state is TrialState.PRUNED:
            assert each.values == [min(each.intermediate_values.values())]
            assert len(each.user_attrs["history"]["val_loss"]) == len(each.intermediate_values)
            assert each.user_attrs["pruned_after"] == max(each.intermediate_values)
    assert [each.id for each in store.files() if each.id.startswith("checkpoint")] == []
    assert study.counts().finished == 4


@pytest.mark.parametrize("epochs", [3, 7])
def test_a_budget_of_epochs_is_exact_where_trials_pause(searched: Callable[..., Any], epochs: int) -> None:
    search = {"trials": 4, "epochs": epochs, "figures": False}
    study, _ = searched(f"of-{epochs}", scheduler={"name": "asha", "reduction_factor": 2}, search=search)
    assert sum(len(each.intermediate_values) for each in trials_of(study)) == epochs
    assert study.counts().running == 0
    assert study.best() is not None
