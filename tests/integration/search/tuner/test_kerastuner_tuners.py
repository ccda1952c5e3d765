"""KerasTuner's tuners by their own names: the same arguments, and what they mean there."""

import inspect
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from optuna.trial import TrialState

from studyhall.search import BayesianOptimization, GridSearch, Hyperband, RandomSearch, Tuner
from studyhall.search.tuner.errors import ProjectConflictError, SearchFailedError
from studyhall.studies.errors import StudyhallError

X = np.linspace(0, 1, 16, dtype="float32").reshape(8, 2)  # (examples, features)
Y = X.sum(axis=1, keepdims=True)  # (examples, 1)
DATA = {"x": X, "y": Y, "validation_data": (X, Y), "verbose": 0}

Make = Callable[..., Any]


def build(hp: Any) -> Any:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 1, 9))])
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-3, 1e-1, sampling="log")), "mse", run_eagerly=True)
    return model


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that makes a tuner in a folder of the test's own."""

    def made(cls: Any, *args: Any, **arguments: Any) -> Any:
        return cls(*args, **{"directory": tmp_path, **arguments})

    return made


def values(tuner: Any) -> list[dict[str, Any]]:
    return [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]


def statuses(tuner: Any) -> Counter[str]:
    return Counter(trial.status for trial in tuner.oracle.trials.values())


# Arguments.


@pytest.mark.parametrize("cls", [RandomSearch, BayesianOptimization, GridSearch, Hyperband])
def test_arguments_are_kerastuners_with_their_order_and_defaults(cls: Any) -> None:
    theirs = inspect.signature(getattr(keras_tuner, cls.__name__)).parameters.values()
    ours = inspect.signature(cls).parameters.values()
    assert [(each.name, each.default) for each in ours if each.kind is not each.VAR_KEYWORD] == [
        (each.name, each.default) for each in theirs if each.kind is not each.VAR_KEYWORD
    ]
    more = inspect.signature(keras_tuner.Tuner).parameters.keys() - {"oracle", "logger", "kwargs"}
    assert more <= inspect.signature(Tuner).parameters.keys()


class OneValue(RandomSearch):
    """Needs no model."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        return trial.hyperparameters.Float("x", 0.0, 1.0)


def test_whole_numbers_of_numpy_and_a_path_are_taken_as_they_are(make: Make, tmp_path: Path) -> None:
    tuner = make(OneValue, max_trials=np.int64(2), seed=np.int32(3))
    assert (tuner.oracle.max_trials, tuner.oracle.seed) == (2, 3)
    assert tuner.directory is tmp_path
    with pytest.raises(TypeError, match=r"max_trials is 2\.5: give a whole number"):
        make(OneValue, max_trials=2.5)


@pytest.mark.parametrize(
    ("arguments", "error", "wanted"),
    [
        (
            {"max_trial": 3},
            ValueError,
            r"Unrecognized arguments \['max_trial'\]: did you mean 'max_trials'\?",
        ),
        ({"oracle": "random"}, ValueError, "Expected `oracle` argument to be an instance of `Oracle`"),
        ({"objective": "made_up"}, ValueError, "Could not infer optimization direction"),
        ({"objective": keras_tuner.Objective("a", "up")}, ValueError, 'give "min" or "max"'),
        ({"objective": 3}, TypeError, "`objective` not understood"),
        ({"tune_new_entries": False}, ValueError, "specify the search space"),
        ({"allow_new_entries": False}, ValueError, "specify the search space"),
        ({"hypermodel": "build"}, ValueError, "`hypermodel` argument should be either"),
    ],
)
def test_what_kerastuner_refuses_is_refused_by_its_type_of_error_and_nothing_is_made(
    make: Make, tmp_path: Path, arguments: dict[str, Any], error: type[Exception], wanted: str
) -> None:
    with pytest.raises(error, match=wanted) as caught:
        make(OneValue, **arguments)
    assert isinstance(caught.value, StudyhallError | ValueError)
    assert list(tmp_path.iterdir()) == []


def test_a_logger_is_ignored_with_kerastuners_warning(make: Make) -> None:
    with pytest.warns(DeprecationWarning, match="logger") as told:
        make(OneValue, logger=1, tuner_id="second")
    assert told[0].filename == __file__


def test_an_odd_project_name_becomes_a_studys_and_is_said(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("my project [1]", "runs/2026-11", "ä" * 300):
        tuner = make(OneValue, project_name=name, max_trials=1)
        said = capsys.readouterr().out
        assert said.startswith(f"Note: the study is called {tuner.oracle.study.name}: ")
        assert said.count("\n") == 1
        assert tuner.project_name == (name if len(name) < 300 else tuner.oracle.study.name)
    make(OneValue, project_name="plain", max_trials=1)
    assert capsys.readouterr().out == ""


# Oracles.


def oracle(cls: str, **arguments: Any) -> Any:
    return getattr(keras_tuner.oracles, cls)(**{"objective": "val_loss", **arguments})


@pytest.mark.parametrize(
    ("given", "sampler", "trials"),
    [
        (oracle("RandomSearchOracle", max_trials=4), "RandomSampler", 4),
        (oracle("BayesianOptimizationOracle", max_trials=5, num_initial_points=3), "TPESampler", 5),
        (oracle("GridSearchOracle", max_trials=6), "BruteForceSampler", 6),
        (oracle("HyperbandOracle", max_epochs=4, factor=2), "RandomSampler", 10),
    ],
)
def test_an_oracle_says_what_it_holds_first_or_by_name(
    make: Make, given: Any, sampler: str, trials: int
) -> None:
    for tuner in (make(Tuner, given, build), make(Tuner, hypermodel=build, oracle=given)):
        definition = tuner.oracle.study.definition
        assert (definition.sampler.name, definition.search.trials) == (sampler, trials)
        assert definition.metrics == ("val_loss",)
        assert definition.search.seed == given.seed
    options = definition.sampler.options
    assert options.get("n_startup_trials") == (3 if sampler == "TPESampler" else None)


def test_a_project_keeps_the_seed_that_its_first_oracle_drew(make: Make) -> None:
    first = make(Tuner, oracle("RandomSearchOracle", seed=7), build)
    again = make(Tuner, oracle("RandomSearchOracle", seed=8), build)
    assert again.oracle.study.id == first.oracle.study.id
    assert again.oracle.seed == 7


def test_several_objectives_of_an_oracle_and_its_space_are_taken(make: Make) -> None:
    space = keras_tuner.HyperParameters()
    space.Fixed("units", 3)
    given = oracle("RandomSearchOracle", objective=["val_loss", "loss"], hyperparameters=space)
    tuner = make(Tuner, oracle=given, hypermodel=build)
    assert tuner.oracle.study.definition.metrics == ("val_loss", "loss")
    assert tuner.oracle.hyperparameters.get("units") == 3


def test_an_oracle_of_ones_own_is_refused_with_its_counterpart(make: Make) -> None:
    class Own(keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
        pass

    with pytest.raises(ValueError, match=r'Own of your own.*Tuner\(sampler="tpe"\)'):
        make(Tuner, oracle=Own("val_loss"), hypermodel=build)


# The grid.


def test_a_grid_without_max_trials_tries_every_combination_once(make: Make) -> None:
    class Grid(GridSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            hp = trial.hyperparameters
            hp.Choice("units", [2, 4])
            hp.Boolean("dropout", default=True)
            hp.Fixed("loss", "mse")
            if hp.Choice("kind", ["a", "b"]) == "b":
                with hp.conditional_scope("kind", ["b"]):
                    hp.Int("depth", 1, 2)
            return float(len(self.oracle.trials))

    tuner = make(Grid)
    tuner.search(verbose=0)
    tried = Counter(tuple(sorted(each.items())) for each in values(tuner))
    assert len(tried) == 2 * 2 * (1 + 2)
    assert set(tried.values()) == {1}
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == len(tried)


def test_a_range_without_steps_has_kerastuners_ten_values_and_its_default(make: Make) -> None:
    class Ranges(GridSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return trial.hyperparameters.Float("x", 1.0, 2.0, default=1.3)

    tuner = make(Ranges)
    tuner.search(verbose=0)
    assert sorted(each["x"] for each in values(tuner)) == pytest.approx(
        sorted([*(1.05 + step / 10 for step in range(10)), 1.3])
    )


class FoundInFit(keras_tuner.HyperModel):  # type: ignore[misc]
    """Asks for more in `fit` than in `build`."""

    def build(self, hp: Any) -> Any:
        hp.Boolean("known")
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return float(hp.Choice("found", [0, 1, 2]))


def test_a_grid_tells_its_size_and_grows_by_what_fit_asks_for(make: Make) -> None:
    tuner = make(GridSearch, FoundInFit())
    assert tuner.remaining_trials == 2
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 2 * 3
    few = make(GridSearch, FoundInFit(), max_trials=4, project_name="few")
    few.search(verbose=0)
    assert len(few.oracle.trials) == 4


# Hyperband.


class Improves(keras_tuner.HyperModel):  # type: ignore[misc]
    """Trains no model: each configuration reports its own constant for as many epochs as it is told."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def build(self, hp: Any) -> Any:
        hp.Float("value", 0.0, 1.0)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    def fit(self, hp: Any, model: Any, callbacks: Any, epochs: int, **kwargs: Any) -> Any:
        self.told.append(epochs)
        for epoch in range(epochs):
            for callback in callbacks:
                callback.on_epoch_end(epoch, {"val_loss": hp.get("value") + 1 / (epoch + 1)})
        return hp.get("value")


def test_hyperband_trains_a_trial_up_to_max_epochs_whatever_search_is_told_and_ends_it_at_a_rung(
    make: Make,
) -> None:
    model = Improves()
    tuner = make(Hyperband, model, "val_loss", max_epochs=4, factor=2, seed=1)
    assert tuner.remaining_trials == 4 + 3 + 3
    tuner.search(epochs=50, verbose=0)
    assert set(model.told) == {4}
    trained = [
        trial.user_attrs["pruned_after"] if trial.state is TrialState.PRUNED else 4
        for trial in tuner.oracle.study.optuna().get_trials()
    ]
    assert len(trained) == 10
    assert set(trained) <= {1, 2, 4}
    assert min(trained) < 4
    best = tuner.get_best_hyperparameters()[0]
    assert best.get("tuner/epochs") == 4
    assert best.get("tuner/initial_epoch") == 0
    assert make(Hyperband, Improves(), "val_loss", max_epochs=4, factor=2).oracle.max_trials == 10


def test_endless_iterations_are_one_and_factors_below_two_are_refused(make: Make) -> None:
    with pytest.warns(UserWarning, match="hyperband_iterations without an end is 1 here"):
        tuner = make(Hyperband, build, "val_loss", max_epochs=2, factor=2, hyperband_iterations=None)
    assert tuner.remaining_trials == 2 + 2
    with pytest.raises(ValueError, match="factor needs to be a int larger than 1"):
        make(Hyperband, build, "val_loss", factor=1)


# BayesianOptimization.


def test_initial_points_are_those_of_tpe_and_the_gaussian_process_alone_has_alpha_and_beta(
    make: Make,
) -> None:
    with pytest.warns(UserWarning, match=r'alpha and beta .* no effect.*sampler="gp"') as told:
        tuner = make(BayesianOptimization, build, "val_loss", num_initial_points=4, alpha=1e-3)
    assert len(told) == 1
    assert tuner.oracle.study.definition.sampler.options["n_startup_trials"] == 4
    other = make(RandomSearch, build, "val_loss")
    with pytest.raises(ProjectConflictError, match="pass `overwrite=True`") as caught:
        other.search(**DATA)
    assert isinstance(caught.value, RuntimeError)  # as KerasTuner's


def test_a_subclass_of_a_tuner_is_one_of_ours_by_the_import_alone(make: Make) -> None:
    class Batches(BayesianOptimization):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 4, 8, step=4)
            return super().run_trial(trial, *args, **kwargs)

    tuner = make(Batches, build, "val_loss", max_trials=2)
    tuner.search(**DATA, epochs=1)
    assert statuses(tuner) == {"COMPLETED": 2}
    assert {each["batch_size"] for each in values(tuner)} <= {4, 8}


# Failures.


class Fails(GridSearch):
    """Fails for two of five values, with the error that it is given."""

    error: type[Exception] = ValueError

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        self.runs = getattr(self, "runs", 0) + 1
        value = trial.hyperparameters.Int("value", 1, 5)
        if value in (2, 4):
            raise self.error(f"wrong value {value}")
        return value


@pytest.mark.parametrize(
    ("error", "runs"), [(ValueError, 5 + 2 * 2), (keras_tuner.errors.FailedTrialError, 5)]
)
def test_a_trial_that_failed_is_run_again_as_often_as_asked_unless_it_is_to_fail(
    make: Make, error: type[Exception], runs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tuner = make(type("Own", (Fails,), {"error": error}), max_retries_per_trial=2)
    tuner.search(verbose=0)
    assert tuner.runs == runs
    assert statuses(tuner) == {"COMPLETED": 3, "FAILED": 2}
    again = re.findall(r"Trial \d+ failed (\d) times\. (\d) retries left", capsys.readouterr().out)
    assert again == [("1", "2"), ("2", "1")] * (2 if runs > 5 else 0)


def test_a_trial_that_succeeds_when_it_is_run_again_is_complete(make: Make) -> None:
    class Second(RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            self.drawn = [*getattr(self, "drawn", ()), trial.hyperparameters.Float("x", 0.0, 1.0)]
            return float("nan") if len(self.drawn) == 1 else 0.5

    tuner = make(Second, max_trials=1, max_retries_per_trial=1)
    tuner.search(verbose=0)
    (trial,) = tuner.oracle.trials.values()
    assert (trial.status, trial.score, trial.message) == ("COMPLETED", 0.5, None)
    assert len(set(tuner.drawn)) == 1


@pytest.mark.parametrize(
    ("ends", "wanted"),
    [
        (lambda: float("nan"), "is nan"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_failures_in_a_row_are_a_runtime_error_with_kerastuners_words(
    make: Make, ends: Callable[[], float], wanted: str
) -> None:
    class Ends(RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            trial.hyperparameters.Float("x", 0.0, 1.0)
            return ends()

    tuner = make(Ends, max_trials=5, max_consecutive_failed_trials=2)
    with pytest.raises(
        RuntimeError, match=f"Number of consecutive failures exceeded the limit of 2: .*{wanted}"
    ):
        tuner.search(verbose=0)
    assert statuses(tuner) == {"FAILED": 2}


def test_models_that_are_too_large_end_the_search_as_in_kerastuner(make: Make) -> None:
    tuner = make(RandomSearch, build, "val_loss", max_trials=4, max_model_size=2)
    with pytest.raises(SearchFailedError, match="Oversized model"):
        tuner.search(**DATA)


class HyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """Returns what it is given, from `fit`; it has the name that KerasTuner's message has."""

    def __init__(self, returned: Any) -> None:
        self.returned = returned

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return self.returned


@pytest.mark.parametrize(
    ("objective", "returned", "wanted"),
    [
        ("val_loss", "0.5", "to be one of a History"),
        (None, "0.5", "to be one of a History"),
        (None, {"val_loss": 0.5}, "to be a single float when `objective` is left unspecified"),
        (None, None, "Did you forget to return the metrics"),
    ],
)
def test_what_is_no_result_is_a_type_error_with_kerastuners_words(
    make: Make, objective: Any, returned: Any, wanted: str
) -> None:
    class Returns(RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return returned

    with pytest.raises(TypeError, match=rf"Returns\.run_trial\(\).*{wanted}"):
        make(Returns, objective=objective, max_trials=1).search(verbose=0)
    if returned is not None:
        tuner = make(RandomSearch, HyperModel(returned), objective, max_trials=1, project_name="fit")
        with pytest.raises(TypeError, match=rf"HyperModel\.fit\(\).*{wanted}"):
            tuner.search(verbose=0)


def test_entries_beside_a_closed_space_are_a_runtime_error(make: Make) -> None:
    space = keras_tuner.HyperParameters()
    space.Int("units", 1, 9)
    with pytest.raises(RuntimeError, match="`allow_new_entries` is `False`"):
        make(RandomSearch, build, "val_loss", hyperparameters=space, allow_new_entries=False)


# Devices.


def test_each_model_is_built_and_trained_in_the_scope_of_a_distribution_strategy(make: Make) -> None:
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    seen = []

    def in_scope(hp: Any) -> Any:
        seen.append(tf.distribute.get_strategy() is strategy)
        return build(hp)

    tuner = make(
        RandomSearch, in_scope, "val_loss", max_trials=1, optimizer="adam", distribution_strategy=strategy
    )
    tuner.search(**DATA, epochs=1)
    assert statuses(tuner) == {"COMPLETED": 1}
    assert seen[-1]
    assert len(tuner.get_best_models()) == 1
