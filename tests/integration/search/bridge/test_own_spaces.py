"""Search spaces as people write them: hyperparameters of the data, and conditional scopes inside
each other.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.search import Tuner
from studyhall.search.core.handle import Start
from studyhall.search.core.outcome import Completed, Failed, Retrained
from studyhall.search.training.check import run_check
from studyhall.search.training.retrain import run_retraining
from studyhall.search.training.trial import run_trial
from studyhall.search.training.warm_start import DryHandle, misfits
from studyhall.search.user.workload import load_workload
from studyhall.studies.definition import Definition
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.study_file.loading import define
from studyhall.studies.values import Value

PROJECT = """
import keras
import keras_tuner
import numpy as np

LOADED = []


def build(hp):
    model = keras.Sequential([keras.Input((2,))])

    def add(number):
        with hp.conditional_scope("layers", list(range(number, 4))):
            model.add(keras.layers.Dense(hp.Int(f"units_{number}", 1, 9)))
            if number < count:
                add(number + 1)

    count = hp.Int("layers", 1, 3)
    add(1)
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse", run_eagerly=True)
    return model


class OwnFit(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs, shuffle=hp.Boolean("shuffle"))


def load(hp):
    LOADED.append(None)
    rows = hp.Int("rows", 4, 64)
    with hp.conditional_scope("layers", [2, 3]):
        scale = hp.Float("scale", 0.5, 2.0) or 1.0
    x = scale * np.linspace(0, 1, 2 * rows).reshape(rows, 2)
    return (x, x[:, :1]), (x, x[:, :1])
"""
BEST: dict[str, Value] = {"layers": 3, "units_1": 2, "units_2": 5, "units_3": 7, "rows": 8, "scale": 1.5}


class Handle(DryHandle):
    """A trial that was queued with some values and draws nothing; it keeps its facts and its model."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        super().__init__(3, Start(defaults=True, implied=True, values=values))
        self.facts: dict[str, Any] = {}

    def record(self, facts: Mapping[str, Any]) -> None:
        self.facts.update(facts)

    def keeps(self, value: float) -> bool:
        return True


@pytest.fixture
def definition(tmp_path: Path) -> Definition:
    (tmp_path / "own_space.py").write_text(PROJECT)
    tables = {
        "name": "spaces",
        "hypermodel": "own_space.py:build",
        "data": "own_space.py:load",
        "training": {"epochs": 1},
        "retraining": {"epochs": 1},
    }
    return define(tables, tmp_path)


def test_a_queued_configuration_may_have_values_of_the_data(definition: Definition) -> None:
    configurations: list[dict[str, Value]] = [
        BEST,
        {"rows": 5},
        {"rows": 65},
        {"row": 5},
        {"layers": 2, "scale": 4.0},
        {"layers": 2},
    ]
    checked = run_check(definition, load_workload(definition), configurations)
    fits, rows, too_many, unknown, out_of_range, built = checked.misfits
    assert (fits, rows, built) == (None, None, None)
    assert too_many is not None
    assert "'rows' cannot start at 65: its values are integers from 4 to 64" in too_many
    assert unknown == "neither the HyperModel nor its data has row; did you mean 'rows'?"
    assert out_of_range is not None
    assert "its values are numbers from 0.5 to 2.0" in out_of_range
    assert {"layers", "units_1", "rows", "scale"} <= set(checked.facts["space"])


def test_data_are_made_for_a_configuration_only_where_it_has_values_of_theirs(definition: Definition) -> None:
    workload = load_workload(definition)
    loaded = workload.hypermodel.build.__globals__["LOADED"]
    assert misfits(workload.hypermodel, [{"layers": 3}, {"units_1": 3}], workload.examples) == [None, None]
    assert loaded == []
    assert misfits(workload.hypermodel, [{"rows": 4}], workload.examples) == [None]
    assert len(loaded) == 1


def test_a_trial_and_its_retraining_have_the_values_that_nested_scopes_and_the_data_ask_for(
    definition: Definition, tmp_path: Path
) -> None:
    workload = load_workload(definition)
    handle = Handle(BEST)
    done = run_trial(handle, definition, workload, tmp_path)
    assert isinstance(done, Completed), done
    assert handle.facts["hyperparameters"] == BEST
    retrained = run_retraining(Handle({}), definition, workload, handle.facts["hyperparameters"], tmp_path)
    assert isinstance(retrained, Retrained), retrained
    published = keras.models.load_model(retrained.model)
    assert [layer.units for layer in published.layers] == [2, 5, 7, 1]
    x = 1.5 * np.linspace(0, 1, 16).reshape(8, 2)
    assert published.evaluate(x, x[:, :1], verbose=0) == pytest.approx(retrained.value, rel=1e-5)
    failed = run_trial(Handle({"row": 5}), definition, workload, tmp_path)
    assert isinstance(failed, Failed)
    assert "row, unknown to" in failed.reason


def test_nested_scopes_are_searched_by_a_tuner(definition: Definition, tmp_path: Path) -> None:
    workload = load_workload(definition)
    x = np.linspace(0, 1, 16).reshape(8, 2)
    tuner = Tuner(
        workload.hypermodel,
        "val_loss",
        max_trials=3,
        directory=tmp_path,
        seed=1,
        enqueue=[{"layers": 3, "units_2": 5, "units_3": 7}, {"layers": 2}],
    )
    tuner.search(x, x[:, :1], epochs=1, validation_data=(x, x[:, :1]), verbose=0)
    trials = sorted(tuner.oracle.get_best_trials(3), key=lambda trial: trial.trial_id)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 3
    for trial in trials:
        built = tuner.hypermodel.build(trial.hyperparameters)
        assert len(built.layers) == trial.hyperparameters.get("layers") + 1
    assert (
        trials[1].hyperparameters.values | {"layers": 3, "units_2": 5, "units_3": 7}
        == trials[1].hyperparameters.values
    )


def test_a_value_that_a_training_of_ones_own_never_asks_for_fails_its_trial(
    definition: Definition, tmp_path: Path
) -> None:
    own = definition.model_copy(
        update={"hypermodel": definition.hypermodel.model_copy(update={"path": "own_space.py:OwnFit"})}
    )
    workload = load_workload(own)
    handle = Handle({"shuffle": True, "rows": 5})
    assert isinstance(run_trial(handle, own, workload, tmp_path), Completed)
    assert handle.facts["hyperparameters"]["shuffle"] is True
    failed = run_trial(Handle({"shufle": True}), own, workload, tmp_path)
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.reason) == (
        FailureKind.INVALID,
        "it was queued with shufle, unknown to the HyperModel",
    )


@pytest.mark.parametrize("name", ["build", "OwnFit"])
def test_a_value_that_a_script_never_asks_for_fails_its_trial(
    definition: Definition, tmp_path: Path, name: str
) -> None:
    module = load_workload(definition).hypermodel.build.__globals__
    hypermodel = module["build"] if name == "build" else module["OwnFit"]()
    x = np.linspace(0, 1, 16).reshape(8, 2)
    tuner = Tuner(
        hypermodel, "val_loss", max_trials=2, directory=tmp_path, seed=1, enqueue=[{"layrs": 3, "layers": 2}]
    )
    tuner.search(x, x[:, :1], epochs=1, validation_data=(x, x[:, :1]), verbose=0)
    trials = tuner.oracle.trials
    assert [trials[number].status for number in "01"] == ["COMPLETED", "FAILED"]
    assert trials["1"].message == "invalid: it was queued with layrs, unknown to the HyperModel"
