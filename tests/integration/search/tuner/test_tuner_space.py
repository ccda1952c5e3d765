"""The Tuner in a search space that has an end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from studyhall.search import Tuner
from studyhall.studies.status.summary import Counts

MakeTuner = Callable[..., Any]


class Four(Tuner):
    """Has four configurations, and needs no model."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        return hp.Choice("units", [1, 2]) + (0.5 if hp.Boolean("wide") else 0.0)


class Conditional(Tuner):
    """Has five configurations: one without a depth, and four with one."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        return float(hp.Int("depth", 1, 4)) if hp.Boolean("deep") else 9.0


def of_three(hp: Any) -> Any:
    return built(hp, hp.Int("units", 1, 3))


def of_five(hp: Any) -> Any:
    return built(hp, hp.Int("units", 1, 5))


def with_another(hp: Any) -> Any:
    units = hp.Int("units", 1, 3)
    return built(hp, units if hp.Boolean("used") else 1)


def built(hp: Any, units: int) -> Any:
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(units), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.fixture
def make(tmp_path: Path) -> MakeTuner:
    """Return a function that makes a Tuner in a folder of the test's own."""

    def made(cls: Any, **arguments: Any) -> Any:
        return cls(**{"max_trials": 15, "directory": tmp_path, "seed": 3, **arguments})

    return made


def trained(tuner: Any) -> list[dict[str, Any]]:
    """The hyperparameters of all trials that were begun, in order."""
    return [dict(each.params) for each in tuner.oracle.study.optuna().trials if each.params]


@pytest.mark.parametrize("sampler", ["random", "tpe", "bruteforce"])
@pytest.mark.parametrize(("cls", "configurations"), [(Four, 4), (Conditional, 5)])
def test_the_search_ends_when_all_was_tried(
    make: MakeTuner, cls: Any, configurations: int, sampler: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tuner = make(cls, sampler=sampler)
    tuner.search()
    found = trained(tuner)
    assert len(found) == configurations
    assert len({tuple(sorted(each.items())) for each in found}) == configurations
    assert tuner.oracle.study.counts() == Counts(complete=configurations)
    said = capsys.readouterr().out
    assert f"All {configurations} configurations were tried; {15 - configurations} waiting trial" in said
    assert "(repeat=True tries them again)" in said
    assert len(tuner.oracle.get_best_trials(20)) == configurations
    tuner.search(verbose=0)
    assert len(trained(tuner)) == configurations


def test_configurations_are_tried_again_where_the_script_says_so(make: MakeTuner) -> None:
    tuner = make(Four, max_trials=9, repeat=True)
    tuner.search(verbose=0)
    assert tuner.oracle.study.counts() == Counts(complete=9)


def test_a_script_whose_space_became_wider_goes_on(make: MakeTuner) -> None:
    data = {"x": [[1.0], [2.0]], "y": [[1.0], [2.0]], "validation_data": ([[1.0]], [[1.0]])}
    arrays = {
        name: tuple(map(as_array, value)) if isinstance(value, tuple) else as_array(value)
        for name, value in data.items()
    }

    def search(build: Any) -> Any:
        build.__qualname__ = "build"
        tuner = make(Tuner, hypermodel=build, objective="val_loss")
        tuner.search(**arrays, epochs=1, verbose=0)
        return tuner

    assert sorted(each["units"] for each in trained(search(of_three))) == [1, 2, 3]
    assert sorted(each["units"] for each in trained(search(of_five))) == [1, 2, 3, 4, 5]
    last = trained(search(with_another))[5:]
    assert len(last) == len({(each["units"], each["used"]) for each in last}) == 6


def as_array(values: Any) -> Any:
    import numpy as np

    return np.asarray(values, "float32")


def test_a_failed_configuration_is_not_tried_again(make: MakeTuner) -> None:
    class Fails(Four):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            value = super().run_trial(trial)
            if value == 2.5:
                raise ValueError("too large")
            return value

    tuner = make(Fails)
    tuner.search(verbose=0)
    states = [each.state for each in tuner.oracle.study.optuna().trials]
    assert sorted(states) == sorted([TrialState.COMPLETE] * 3 + [TrialState.FAIL])
