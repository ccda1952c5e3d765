"""The Tuner trains Keras models as KerasTuner does: its interface, its guides' examples, its
results' form.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from studyhall.search import Tuner
from studyhall.search.tuner.callbacks import WEIGHTS
from studyhall.studies.errors import UserCodeError
from studyhall.studies.seeds import derived_seed, trial_seed

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int64")

MakeTuner = Callable[..., Any]


def build(hp: Any) -> Any:
    """A model that knows the shape of its input only once it is trained."""
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 8), activation="relu")])
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log", default=0.05)
    optimizer = keras.optimizers.Adam(rate)
    model.compile(optimizer, loss="binary_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return model


@pytest.fixture
def make(tmp_path: Path) -> MakeTuner:
    """Return a function that makes a Tuner in a folder of the test's own."""

    def made(hypermodel: Any = build, *, cls: Any = Tuner, **arguments: Any) -> Any:
        return cls(
            hypermodel, **{"objective": "val_loss", "max_trials": 2, "directory": tmp_path, **arguments}
        )

    return made


class Counts(keras.callbacks.Callback):  # type: ignore[misc]
    """Remembers, for all of its copies, what each of them has seen."""

    copies: list[list[int]]

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        type(self).copies.append(self.epochs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(epoch)


def test_the_best_models_have_the_weights_of_their_best_epoch(make: MakeTuner) -> None:
    tuner = make(max_trials=3, keep_models=2)
    tuner.search(X, Y, epochs=2, validation_data=(X, Y), verbose=0)
    best = tuner.oracle.get_best_trials(2)
    models = tuner.get_best_models(2)
    losses = [model.evaluate(X, Y, verbose=0)[0] for model in models]
    assert losses == pytest.approx([trial.score for trial in best], rel=1e-4)
    facts = tuner.oracle.study.optuna().get_trials()[int(best[0].trial_id)].user_attrs
    assert facts["parameters"] == models[0].count_params()
    assert facts["data_fingerprint"].startswith("sha256:")
    assert facts["history"]["val_loss"][facts["best_epoch"] - 1] == pytest.approx(best[0].score)


def test_executions_are_averaged_and_have_callbacks_of_their_own(make: MakeTuner) -> None:
    Counts.copies = []
    tuner = make(executions_per_trial=2, max_trials=1)
    mine = Counts()
    tuner.search(X, Y, epochs=2, validation_data=(X, Y), verbose=0, callbacks=[mine])
    assert Counts.copies == [[0, 1], [0, 1]]
    assert mine.epochs == []
    score = tuner.oracle.get_best_trials()[0].score
    kept = tuner.get_best_models()[0].evaluate(X, Y, verbose=0)[0]
    assert kept < score  # the better execution's, where the score is the mean of both


class FirstWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Remembers, for all of its copies, the weights with which training begins."""

    seen: list[Any]

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            type(self).seen.append(self.model.get_weights()[0])


def test_initial_weights_are_drawn_from_the_trials_own_seed(make: MakeTuner) -> None:
    def built(hp: Any) -> Any:
        model = build(hp)
        model.build((None, 4))
        return model

    FirstWeights.seen = []
    tuner = make(built, seed=5, max_trials=2, executions_per_trial=2)
    tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0, callbacks=[FirstWeights()])
    expected = []
    for trial in tuner.oracle.study.optuna().get_trials():
        seed = trial_seed(5, trial.number)
        assert trial.user_attrs["seed"] == seed
        for each in (seed, derived_seed("execution", seed, 1)):
            keras.utils.set_random_seed(each)
            plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(trial.params["units"])])
            expected.append(plain.get_weights()[0])
    assert len(FirstWeights.seen) == len(expected) == 4
    for ours, theirs in zip(FirstWeights.seen, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


HYPERBAND = {"name": "hyperband", "options": {"min_resource": 1, "max_resource": 3}}


def epochs_of(tuner: Any) -> list[int]:
    """How many epochs each trial trained."""
    return [len(trial.intermediate_values) for trial in tuner.oracle.study.optuna().get_trials()]


def test_hyperbands_trials_train_its_epochs_where_nobody_names_any(make: MakeTuner, capsys: Any) -> None:
    tuner = make(pruner=HYPERBAND, max_trials=3)
    tuner.search(X, Y, validation_data=(X, Y))
    epochs = epochs_of(tuner)
    assert max(epochs) == 3
    assert all(1 <= each <= 3 for each in epochs)
    told = [
        line for line in capsys.readouterr().out.splitlines() if "3 epochs, the pruner's max_resource" in line
    ]
    assert len(told) == 1
    named = make(pruner=HYPERBAND, max_trials=1, study_name="named")
    named.search(X, Y, epochs=2, validation_data=(X, Y), verbose=0)
    assert epochs_of(named) == [2]


def test_hyperbands_epochs_reach_a_fit_of_ones_own_and_leave_those_that_it_names(make: MakeTuner) -> None:
    class Passes(OwnFit):
        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, batch_size=16, **kwargs)

    class Names(OwnFit):
        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, epochs=2, **kwargs)

    class Loops(OwnFit):
        def fit(self, hp: Any, model: Any, x: Any, y: Any, epochs: int = 1, **kwargs: Any) -> Any:
            for _ in range(epochs):
                history = model.fit(x, y, epochs=1, **kwargs)
            return history

    for hypermodel, expected in ((Passes(), 3), (Names(), 2), (Loops(), 3)):
        name = type(hypermodel).__name__
        tuner = make(hypermodel, pruner=HYPERBAND, max_trials=1, study_name=name)
        tuner.search(X, Y, validation_data=(X, Y), verbose=0)
        assert epochs_of(tuner) == [expected], name


def test_a_pruner_with_nothing_to_end_is_told_of_in_one_line(make: MakeTuner, capsys: Any) -> None:
    tuner = make(pruner="median", max_trials=2)
    tuner.search(X, Y, validation_data=(X, Y))
    assert epochs_of(tuner) == [1, 1]  # as with Keras and KerasTuner
    shown = capsys.readouterr().out.splitlines()
    told = "A trial trains 1 epoch, Keras's default, so pruner 'MedianPruner' can prune nothing: give search(..., epochs=N)."
    assert shown.count(told) == 1
    make(max_trials=1, study_name="unpruned").search(X, Y, validation_data=(X, Y))
    assert "Keras's default" not in capsys.readouterr().out


class OwnFit(keras_tuner.HyperModel):  # type: ignore[misc]
    """Tunes how it is trained, as in KerasTuner's getting-started guide."""

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, x: Any, y: Any, **kwargs: Any) -> Any:
        if hp.Boolean("normalize"):
            x = x / 2
        return model.fit(x, y, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)


def test_hyperparameters_that_fit_asks_for_are_searched_and_recorded(make: MakeTuner) -> None:
    tuner = make(OwnFit(), max_trials=1)
    tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0)
    values = tuner.get_best_hyperparameters()[0].values
    assert set(values) == {"units", "learning_rate", "normalize", "batch_size"}
    assert values["learning_rate"] == 0.05  # the only default that was written
    assert set(tuner.oracle.study.optuna().get_trials()[0].params) == set(values)


class Returns(OwnFit):
    """Returns the one number that is to be minimized."""

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return float(min(model.fit(*args, **kwargs).history["val_loss"]))


def test_a_fit_that_returns_a_number_needs_no_objective(make: MakeTuner) -> None:
    tuner = make(Returns(), objective=None, max_trials=1)
    tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0)
    best = tuner.oracle.get_best_trials()[0]
    assert tuner.get_best_models()[0].evaluate(X, Y, verbose=0)[0] == pytest.approx(best.score, rel=1e-4)


class CustomLoop(keras_tuner.HyperModel):  # type: ignore[misc]
    """Trains without `model.fit`, and calls the callbacks by itself, as in KerasTuner's guide to custom
    loops.
    """

    def build(self, hp: Any) -> Any:
        inputs = keras.Input((4,))
        return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(hp.Int("units", 2, 8))(inputs)))

    def fit(self, hp: Any, model: Any, x: Any, y: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        for callback in callbacks:
            callback.set_model(model)
        best = float("inf")
        for epoch in range(hp.Int("epochs", 1, 3, default=2)):
            error = float(np.mean((keras.ops.convert_to_numpy(model(x))[:, 0] - y) ** 2)) / (epoch + 1)
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": error})
            best = min(best, error)
        return best


def test_a_training_loop_of_ones_own_is_followed_through_its_callbacks(make: MakeTuner) -> None:
    tuner = make(CustomLoop(), objective=keras_tuner.Objective("my_metric", "min"), max_trials=1)
    tuner.search(x=X, y=Y, verbose=0)
    trial = tuner.oracle.study.optuna().get_trials()[0]
    assert trial.intermediate_values[2] == pytest.approx(trial.value)
    assert len(tuner.get_best_models()) == 1


class BatchSizes(Tuner):
    """Overrides run_trial and calls the original, as KerasTuner's users do."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 8, 32, step=8, default=16)
        return super().run_trial(trial, *args, **kwargs)

    def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        self.seen = (*getattr(self, "seen", ()), (trial.trial_id, epoch, "val_loss" in logs))


def test_a_subclass_may_tune_more_and_listen_to_epochs(make: MakeTuner) -> None:
    tuner = make(cls=BatchSizes, max_trials=1)
    tuner.search(X, Y, epochs=2, validation_data=(X, Y), verbose=0)
    assert tuner.get_best_hyperparameters()[0].values["batch_size"] == 16
    assert tuner.seen == (("0", 0, True), ("0", 1, True))


def test_an_objective_that_training_never_reports_ends_the_search(make: MakeTuner) -> None:
    tuner = make(objective=keras_tuner.Objective("val_f", "max"))
    with pytest.raises((UserCodeError, keras_tuner.errors.FatalError), match="no 'val_f'"):
        tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0)
    assert tuner.oracle.study.counts().waiting == 2


def test_error_and_size_are_traded_off(make: MakeTuner) -> None:
    tuner = make(objective=["val_loss", "parameters"], max_trials=2)
    tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0)
    for trial in tuner.oracle.study.optuna().get_trials():
        assert trial.values[1] == 4 * trial.params["units"] + trial.params["units"] * 2 + 1
    assert tuner.oracle.study.optuna().best_trials


def test_an_oversized_model_fails_alone_and_the_compiled_loss_may_be_replaced(make: MakeTuner) -> None:
    def compiled(hp: Any) -> Any:
        inputs = keras.Input((4,))
        model = keras.Model(
            inputs, keras.layers.Dense(1)(keras.layers.Dense(hp.Int("units", 2, 8, default=2))(inputs))
        )
        model.compile("adam", "mae")
        return model

    tuner = make(
        compiled, max_model_size=20, optimizer="sgd", loss="mse", max_trials=2, enqueue=[{"units": 8}]
    )
    tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0)
    first, second = tuner.oracle.study.optuna().get_trials()
    assert first.state.name == "COMPLETE", first.user_attrs
    assert second.user_attrs["failure"] == "invalid"
    assert "Oversized model" in second.user_attrs["reason"]


@pytest.mark.filterwarnings(
    "ignore:Skipping variable loading for optimizer:UserWarning"
)  # KerasTuner's loading
def test_the_same_script_gives_results_of_the_same_form(
    make: MakeTuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    # KerasTuner imports tensorboard for every trial, which TensorFlow does not bring any more.
    monkeypatch.setattr(keras_tuner.Tuner, "_configure_tensorboard_dir", lambda *arguments, **options: None)

    def with_input(hp: Any) -> Any:  # KerasTuner cannot load the weights of `build`'s models
        model = build(hp)
        model.build((None, 4))
        return model

    shapes = []
    for kind in (keras_tuner.RandomSearch, Tuner):
        tuner = kind(
            with_input, objective="val_accuracy", max_trials=2, directory=str(tmp_path / kind.__module__)
        )
        tuner.search_space_summary()
        tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0)
        tuner.results_summary()
        trial, hp, model = (
            tuner.oracle.get_best_trials()[0],
            tuner.get_best_hyperparameters()[0],
            tuner.get_best_models()[0],
        )
        rebuilt = tuner.hypermodel.build(hp)
        lines = [line.split(":")[0].split(" in ")[0] for line in capsys.readouterr().out.splitlines()]
        shapes.append(
            {
                "hyperparameters": (
                    isinstance(hp, keras_tuner.HyperParameters),
                    set(hp.values),
                    [each.name for each in hp.space],
                ),
                "model": (
                    type(model),
                    type(rebuilt),
                    [layer.name.rstrip("_0123456789") for layer in model.layers],
                ),
                "trial": (
                    type(trial),
                    type(trial.trial_id),
                    isinstance(trial.score, float),
                    trial.status,
                    trial.best_step,
                ),
                "metrics": {name: metric.direction for name, metric in trial.metrics.metrics.items()},
                "printed": sorted(set(lines)),
                "remaining": tuner.remaining_trials,
            }
        )
    theirs, ours = shapes
    assert ours == theirs


@pytest.fixture
def eager() -> Iterator[None]:
    """One step is trained sooner than the graph for it is drawn."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config.*run_functions_eagerly`:UserWarning")
@pytest.mark.parametrize(  # HyperEfficientNet downloads its weights
    ("name", "fixed"),
    [
        ("HyperResNet", {"version": "v1", "conv3_depth": 4, "conv4_depth": 6}),
        ("HyperXception", {"num_residual_blocks": 2, "conv2d_num_filters": 32, "sep_num_filters": 128}),
    ],
)
def test_kerastuners_ready_made_hypermodels_run_unchanged(
    make: MakeTuner, name: str, fixed: dict[str, Any]
) -> None:
    hypermodel = getattr(keras_tuner.applications, name)(input_shape=(32, 32, 3), classes=2)
    space = keras_tuner.HyperParameters()
    for each, value in fixed.items():
        space.Fixed(each, value)
    tuner = make(hypermodel, objective="loss", max_trials=1, hyperparameters=space)
    images = np.random.default_rng(0).uniform(size=(2, 32, 32, 3)).astype("float32")
    labels = keras.utils.to_categorical([0, 1], 2)
    tuner.search(images, labels, epochs=1, verbose=0)
    trial = tuner.oracle.study.optuna().get_trials()[0]
    assert trial.state.name == "COMPLETE", trial.user_attrs
    assert fixed.items() <= trial.user_attrs["fixed_hyperparameters"].items()
    assert set(trial.params) == set(trial.user_attrs["hyperparameters"])


def test_weights_of_a_loop_that_calls_no_callback_can_be_given(make: MakeTuner) -> None:
    class Alone(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            model = self.hypermodel.build(trial.hyperparameters)
            model.build((None, 4))
            self.save_model(trial.trial_id, model)
            assert (self.oracle.in_hand.scratch / WEIGHTS).is_file()
            return 1.0

    tuner = make(cls=Alone, max_trials=1)
    tuner.search(verbose=0)
    assert tuner.get_best_models()[0].count_params() > 0
