"""Trainings of the user's own making: what they return, report and set counts, and equals what plain Keras
finds.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.search.core.handle import Start
from studyhall.search.core.outcome import Completed, Failed, HandedBack, Pruned, Retrained
from studyhall.search.training.check import run_check
from studyhall.search.training.retrain import run_retraining
from studyhall.search.training.trial import run_trial
from studyhall.search.training.warm_start import DryHandle
from studyhall.search.user.code import load_object
from studyhall.search.user.workload import Workload, load_workload
from studyhall.studies.definition import Definition
from studyhall.studies.errors import UserCodeError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.study_file.loading import define
from studyhall.studies.values import Value

PROJECT = """
import keras
import keras_tuner
import numpy as np
from keras import layers

random = np.random.default_rng(5)
X = random.normal(size=(48, 4)).astype("float32")
Y = (X @ random.normal(size=(4, 1))).astype("float32")
LABELS = np.eye(3, dtype="float32")[random.integers(0, 3, 48)]


def load():
    return (X[:32], Y[:32]), (X[32:], Y[32:])


def load_labels():
    return (X[:32], LABELS[:32]), (X[32:], LABELS[32:])


def load_stream():
    import tensorflow as tf

    def examples():
        yield from zip(X[:32], Y[:32])

    kinds = tf.TensorSpec((4,), tf.float32), tf.TensorSpec((1,), tf.float32)
    data = tf.data.Dataset.from_generator(examples, output_signature=kinds)
    return data.batch(8), (X[32:], Y[32:])


def network(rate=0.02, outputs=1):
    # Momentum and dropout have states that a checkpoint must hold.
    model = keras.Sequential([
        keras.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dropout(0.2), layers.Dense(outputs)
    ])
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss="mse", metrics=["mae"], run_eagerly=True)
    return model


class Plain(keras_tuner.HyperModel):
    def build(self, hp):
        return network()


class Returns(Plain):
    def __init__(self, what="dict"):
        super().__init__()
        self.what = what

    def fit(self, hp, model, *args, **kwargs):
        history = model.fit(*args, **kwargs)
        loss, mae = model.evaluate(*kwargs["validation_data"], verbose=0)
        return {
            "dict": {"val_loss": loss, "val_mae": mae},
            "number": loss,
            "lists": history.history,
            "best": {"val_loss": min(history.history["val_loss"])},
            "history": history,
            "nothing": None,
            "other": {"aic": 3.0},
            "vector": {"val_loss": np.ones(3)},
            "truth": {"val_loss": True},
            "truths": {"val_loss": [loss < 0.1 for loss in history.history["loss"]]},
            "tensor": {"val_loss": keras.ops.convert_to_tensor(True)},
            "text": {"val_loss": f"{loss:.3f}"},
            "set": {loss},
        }[self.what]


class Computed(Plain):
    '''The objective is computed after the training, and no epoch reports it.'''

    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        return {"aic": 2.0 * model.count_params() + model.evaluate(*kwargs["validation_data"], verbose=0)[0]}


class SecondFit(Plain):
    '''Returns what its second fit reported, in one form or another.'''

    def __init__(self, what="lists"):
        super().__init__()
        self.what = what

    def fit(self, hp, model, x, y=None, **kwargs):
        model.fit(x, y, **{**kwargs, "epochs": 4})
        model.compile(keras.optimizers.SGD(0.3), loss="mse", metrics=["mae"], run_eagerly=True)
        second = model.fit(x, y, **{**kwargs, "epochs": 3}).history
        if self.what == "lists":
            return second
        if self.what == "arrays":
            return {name: np.array(values) for name, values in second.items()}
        return {"least": min, "first": lambda values: values[0]}[self.what](second["val_loss"])


class Folds(Plain):
    def fit(self, hp, model, x, y=None, **kwargs):
        losses = []
        for fold in range(2):
            clone = keras.models.clone_model(model)
            clone.compile("sgd", "mse", run_eagerly=True)
            losses.append(clone.fit(x[fold::2], y[fold::2], verbose=0).history["loss"][-1])
        return float(np.mean(losses))


class WarmUp(Plain):
    def fit(self, hp, model, *args, callbacks, **kwargs):
        class Warm(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                self.model.optimizer.learning_rate.assign(0.01)

        return model.fit(*args, callbacks=[*callbacks, Warm()], **kwargs)


class Continued(Plain):
    '''Keras's own way to go on with a training.'''

    def fit(self, hp, model, *args, epochs, **kwargs):
        model.fit(*args, epochs=2, **kwargs)
        return model.fit(*args, epochs=6, initial_epoch=2, **kwargs)


class Deaf(Plain):
    def fit(self, hp, model, *args, callbacks, **kwargs):
        return model.fit(*args, **kwargs)


class TwoPhases(keras_tuner.HyperModel):
    '''Transfer learning: a frozen base, then all of it at a lower rate.'''

    def build(self, hp):
        model = network()
        model.layers[0].trainable = False
        return model

    def fit(self, hp, model, x, y=None, **kwargs):
        kwargs["epochs"] = 3
        model.fit(x, y, **kwargs)
        model.layers[0].trainable = True
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss="mse", metrics=["mae"], run_eagerly=True)
        return model.fit(x, y, **kwargs)


class Loop(keras_tuner.HyperModel):
    '''A training loop in the manner of KerasTuner's guide: the model is not compiled.'''

    def build(self, hp):
        return keras.Sequential([keras.Input((4,)), layers.Dense(1, kernel_initializer="zeros")])

    def fit(self, hp, model, x, y, validation_data, callbacks, epochs, **kwargs):
        best = float("inf")
        for callback in callbacks:
            callback.set_model(model)
        for epoch in range(epochs):
            kernel = model.get_weights()[0]
            model.set_weights([kernel - 0.1 * x.T @ (x @ kernel - y) / len(x), np.zeros(1)])
            found, wanted = np.asarray(model(validation_data[0])), validation_data[1]
            loss = float(np.mean((found - wanted) ** 2))
            best = min(best, loss)
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"val_loss": loss})
        return best


class Scheduled(keras_tuner.HyperModel):
    def build(self, hp):
        return network(keras.optimizers.schedules.ExponentialDecay(0.02, 1, 0.9))


class OwnCallbacks(Plain):
    def __init__(self, kind="plateau"):
        super().__init__()
        self.kind = kind

    def fit(self, hp, model, *args, callbacks, **kwargs):
        class Halving(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.model.optimizer.learning_rate = 0.02 * 0.5**epoch

        own = {
            "plateau": keras.callbacks.ReduceLROnPlateau(patience=0, factor=0.1),
            "scheduler": keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.02 * 0.5**epoch),
            "setter": Halving(),
            "stopping": keras.callbacks.EarlyStopping(patience=100),
        }[self.kind]
        return model.fit(*args, callbacks=[*callbacks, own], **kwargs)


class LateMetric(Plain):
    '''A callback that comes after ours writes the objective into the logs.'''

    def fit(self, hp, model, *args, callbacks, **kwargs):
        class Score(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["val_score"] = [0.2, 0.9, 0.3, 0.1][epoch]

        return model.fit(*args, callbacks=[*callbacks, Score()], **kwargs)


class Reached(Plain):
    def fit(self, hp, model, *args, callbacks, **kwargs):
        class Score(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["val_score"] = logs["val_loss"] < 0.5

        return model.fit(*args, callbacks=[*callbacks, Score()], **kwargs)


class Peaks(Plain):
    '''Its score is the best in the second epoch, and its weights tell the epochs apart.'''

    def fit(self, hp, model, *args, callbacks, **kwargs):
        class Score(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["val_score"] = [0.2, 0.9, 0.3, 0.1, 0.0, 0.0][epoch]
                self.model.layers[0].set_weights([np.full((4, 5), epoch + 1.0), np.zeros(5)])

        return model.fit(*args, callbacks=[Score(), *callbacks], **kwargs)


class OwnBatches(Plain):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [4, 8]), **kwargs)


class NoBatches(Plain):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)


class Chunks(Plain):
    def fit(self, hp, model, *args, epochs, **kwargs):
        for epoch in range(epochs):
            history = model.fit(*args, epochs=1, **kwargs)
        return history


class Labels(keras_tuner.HyperModel):
    def build(self, hp):
        model = network(outputs=3)
        model.compile("sgd", "mse", metrics=[keras.metrics.F1Score(), "mae"], run_eagerly=True)
        return model


class Sometimes(keras_tuner.HyperModel):
    def build(self, hp):
        model = network()
        model.compile("sgd", "mse", metrics=["mae"] if hp.Boolean("reports") else [], run_eagerly=True)
        return model


class Scaled(layers.Layer):
    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return {}


class Forgetful(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.Input((4,)), Scaled(3.0), layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        return model


class Unsaved(keras_tuner.HyperModel):
    def build(self, hp):
        class Odd(keras.layers.Layer):
            def __init__(self, inner):
                super().__init__()
                self.dense = inner

            def call(self, x):
                return self.dense(x)

        model = keras.Sequential([keras.Input((4,)), Odd(layers.Dense(1))])
        model.compile("sgd", "mse", run_eagerly=True)
        return model
"""


class Handle(DryHandle):
    """A trial without a study, that remembers what it was told."""

    def __init__(self, **values: Value) -> None:
        super().__init__(7, Start(defaults=True, values=values))
        self.curve: dict[int, float] = {}
        self.facts: dict[str, Any] = {}
        self.begun: list[int] = []
        self.prune_at: int | None = None
        self.stop_after: int | None = None
        self.checkpoints: Path | None = None

    def report(self, step: int, value: float, *others: float) -> bool:
        assert step not in self.curve, "an epoch was reported twice"
        self.curve[step] = value
        return step == self.prune_at

    def record(self, facts: Mapping[str, Any]) -> None:
        self.facts.update(facts)

    def checkpoint(self, epochs: int, path: Path) -> None:
        if self.checkpoints is not None:
            shutil.copy(path, self.checkpoints / f"{epochs}.npz")

    def keeps(self, value: float) -> bool:
        return True

    def begin_epoch(self, epoch: int) -> bool:
        self.begun.append(epoch)
        return True

    def stop_requested(self) -> bool:
        return self.stop_after is not None and len(self.curve) >= self.stop_after


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., tuple[Definition, Workload]]:
    """Make a study of one of the HyperModels above."""
    (tmp_path / "own_fits.py").write_text(PROJECT)

    def make(name: str, load: str = "load", **sections: Any) -> tuple[Definition, Workload]:
        model = {"path": f"own_fits.py:{name}", "arguments": sections.pop("arguments", {})}
        given = {"name": "own", "hypermodel": model, "data": f"own_fits.py:{load}", **sections}
        given["training"] = {"epochs": 4, "batch_size": 8, **sections.get("training", {})}
        definition = define(given, tmp_path)
        return definition, load_workload(definition)

    return make


@pytest.fixture
def data(tmp_path: Path, project: Any) -> Any:
    """The project's module, for its data."""
    return load_object("own_fits.py:load", tmp_path).__globals__


def error_of(outcome: Any, data: Any) -> float:
    """What plain Keras finds on the validation data with the file that a training left."""
    model = keras.models.load_model(outcome.model)
    return float(np.mean((model.predict(data["X"][32:], verbose=0) - data["Y"][32:]) ** 2))


def trial(handle: Handle, study: tuple[Definition, Workload], *more: Path | None) -> Any:
    definition, workload = study
    scratch, *resume_from = more
    assert scratch is not None
    return run_trial(handle, definition, workload, scratch, *resume_from)


def retrained(study: tuple[Definition, Workload], scratch: Path) -> Any:
    definition, workload = study
    return run_retraining(Handle(), definition, workload, {}, scratch)


def test_the_value_of_a_trial_is_the_error_of_the_model_it_leaves(
    project: Any, data: Any, tmp_path: Path
) -> None:
    outcome = trial(Handle(), project("Plain", training={"epochs": 6}), tmp_path)
    assert isinstance(outcome, Completed)
    assert error_of(outcome, data) == pytest.approx(outcome.value, rel=1e-5)


def test_a_retrained_model_has_the_weights_that_its_value_is_of(
    project: Any, data: Any, tmp_path: Path
) -> None:
    outcome = retrained(project("Plain", retraining={"epochs": 6}), tmp_path)
    assert isinstance(outcome, Retrained)
    assert error_of(outcome, data) == pytest.approx(outcome.value, rel=1e-5)


@pytest.mark.parametrize("what", ["dict", "number"])
def test_what_fit_returns_counts_and_the_model_is_the_one_it_left(
    project: Any, data: Any, tmp_path: Path, what: str
) -> None:
    handle = Handle()
    study = project("Returns", arguments={"what": what}, training={"epochs": 3})
    outcome = trial(handle, study, tmp_path)
    assert isinstance(outcome, Completed)
    # Its last epoch's value is that of the model it left.
    assert outcome.value == pytest.approx(handle.curve[3], rel=1e-5)
    assert error_of(outcome, data) == pytest.approx(outcome.value, rel=1e-5)


@pytest.mark.parametrize("what", ["lists", "best", "history", "nothing"])
def test_a_history_in_any_form_counts_with_its_best_epoch(
    project: Any, data: Any, tmp_path: Path, what: str
) -> None:
    handle = Handle()
    outcome = trial(handle, project("Returns", arguments={"what": what}), tmp_path)
    assert isinstance(outcome, Completed)
    assert outcome.value == min(handle.curve.values())
    assert error_of(outcome, data) == pytest.approx(outcome.value, rel=1e-5)


def test_an_objective_that_only_fit_returns_counts(project: Any, data: Any, tmp_path: Path) -> None:
    handle = Handle()
    objective = {"metric": "aic", "direction": "minimize"}
    outcome = trial(handle, project("Computed", objective=objective), tmp_path)
    assert isinstance(outcome, Completed)
    model = keras.models.load_model(outcome.model)
    assert outcome.value == pytest.approx(2 * model.count_params() + error_of(outcome, data), rel=1e-6)
    assert handle.curve == {}
    assert len(handle.facts["history"]["val_loss"]) == 4


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("other", "returned no 'val_loss', which is the objective; it returned: aic"),
        ("vector", "has 3 values"),
        ("truth", "Returns.fit() reports val_loss as True, which is not a number"),
        ("truths", "Returns.fit() reports val_loss as False, which is not a number"),
        ("tensor", "which is not a number"),
        ("text", "which is not a number"),
    ],
)
def test_a_return_value_without_the_objective_fails_the_trial(
    project: Any, tmp_path: Path, what: str, why: str
) -> None:
    outcome = trial(Handle(), project("Returns", arguments={"what": what}), tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.INVALID
    assert why in outcome.reason


def test_what_cannot_be_a_result_is_refused_with_what_can(project: Any, tmp_path: Path) -> None:
    with pytest.raises(
        UserCodeError, match="to be one of a History, a dictionary or a number; it returned a set"
    ):
        trial(Handle(), project("Returns", arguments={"what": "set"}), tmp_path)


def test_an_objective_that_is_only_reached_or_not_fails_the_trial(project: Any, tmp_path: Path) -> None:
    objective = {"metric": "val_score", "direction": "maximize"}
    outcome = trial(Handle(), project("Reached", objective=objective), tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.INVALID
    assert outcome.reason.startswith("training reports val_score as ")
    assert outcome.reason.endswith(", which is not a number")


@pytest.mark.parametrize("what", ["lists", "arrays", "least", "first"])
def test_what_a_later_fit_reported_counts_with_a_value_and_weights_of_one_epoch(
    project: Any, data: Any, tmp_path: Path, what: str
) -> None:
    handle = Handle()
    outcome = trial(handle, project("SecondFit", arguments={"what": what}), tmp_path)
    assert isinstance(outcome, Completed)
    assert outcome.value == min(handle.curve.values())
    assert error_of(outcome, data) == pytest.approx(outcome.value, rel=1e-5)


def test_a_fit_that_trains_clones_alone_is_told_to_train_the_model(project: Any, tmp_path: Path) -> None:
    with pytest.raises(UserCodeError, match="leaves the model that build\\(\\) returned untrained"):
        trial(Handle(), project("Folds"), tmp_path)


def test_a_fit_that_goes_on_from_an_epoch_is_annealed_over_those_that_it_trains(
    project: Any, tmp_path: Path
) -> None:
    outcome = retrained(project("Continued", retraining={"epochs": 6}), tmp_path)
    assert isinstance(outcome, Retrained), outcome
    rates = outcome.history["learning_rate"]
    wanted = [0.02 * 0.5 * (1 + np.cos(np.pi * min(4 * epoch + 1, 16) / 16)) for epoch in range(1, 5)]
    assert rates[2:] == pytest.approx(wanted, abs=1e-6)


def test_a_training_loop_of_its_own_is_not_said_to_follow_our_rules(project: Any, tmp_path: Path) -> None:
    handle = Handle()
    trial(handle, project("Loop"), tmp_path)
    assert all("no model.fit()" in why for why in handle.facts["rules"].values())


def test_a_fit_that_passes_no_callbacks_on_is_told_to(project: Any, tmp_path: Path) -> None:
    with pytest.raises(UserCodeError, match="pass its `callbacks` on"):
        trial(Handle(), project("Deaf"), tmp_path)


def test_epochs_are_counted_over_all_fits_of_a_trial(project: Any, data: Any, tmp_path: Path) -> None:
    handle = Handle()
    objectives = [{"metric": "val_loss"}, {"metric": "val_mae", "direction": "minimize"}]
    outcome = trial(handle, project("TwoPhases", objective=objectives), tmp_path)
    assert isinstance(outcome, Completed)
    assert list(handle.curve) == handle.begun == [1, 2, 3, 4, 5, 6]
    history = handle.facts["history"]
    assert len(history["val_loss"]) == 6
    best = int(np.argmin(history["val_loss"]))
    assert outcome.best_epoch == best + 1
    assert outcome.value == history["val_loss"][best]
    assert outcome.others == (history["val_mae"][best],)
    assert error_of(outcome, data) == pytest.approx(outcome.value, rel=1e-5)


def test_two_fits_train_as_they_do_in_plain_keras(project: Any, data: Any, tmp_path: Path) -> None:
    handle = Handle()
    definition, workload = project(
        "TwoPhases", training={"early_stopping": False, "reduce_learning_rate": False}
    )
    trial(handle, (definition, workload), tmp_path)
    keras.utils.clear_session()
    keras.utils.set_random_seed(handle.seed)
    model = workload.hypermodel.build(None)
    X, Y = data["X"], data["Y"]
    arguments = {"validation_data": (X[32:], Y[32:]), "batch_size": 8, "epochs": 3, "verbose": 0}
    first = model.fit(X[:32], Y[:32], **arguments)
    model.layers[0].trainable = True
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss="mse", run_eagerly=True)
    second = model.fit(X[:32], Y[:32], **arguments)
    wanted = first.history["val_loss"] + second.history["val_loss"]
    assert list(handle.curve.values()) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_a_trial_of_two_fits_that_is_interrupted_ends_as_one_that_was_not(
    project: Any, tmp_path: Path, stop_after: int
) -> None:
    study = project("TwoPhases")
    whole = Handle()
    complete = trial(whole, study, tmp_path)
    assert isinstance(complete, Completed)
    weights = keras.models.load_model(complete.model).get_weights()

    first, second = Handle(), Handle()
    first.checkpoints, first.stop_after = tmp_path, stop_after
    assert trial(first, study, tmp_path) == HandedBack(stop_after)
    outcome = trial(second, study, tmp_path, tmp_path / f"{stop_after}.npz")
    assert isinstance(outcome, Completed)
    assert first.curve | second.curve == whole.curve
    assert not first.curve.keys() & second.curve.keys()
    assert second.facts["history"] == whole.facts["history"]
    for one, other in zip(keras.models.load_model(outcome.model).get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_training_loop_of_the_users_own_runs_with_all_our_rules(
    project: Any, data: Any, tmp_path: Path
) -> None:
    handle = Handle()
    outcome = trial(handle, project("Loop"), tmp_path)
    assert isinstance(outcome, Completed)
    kernel = np.zeros((4, 1))
    for _ in range(4):
        kernel -= 0.1 * data["X"][:32].T @ (data["X"][:32] @ kernel - data["Y"][:32]) / 32
    wanted = float(np.mean((data["X"][32:] @ kernel - data["Y"][32:]) ** 2))
    assert outcome.value == pytest.approx(wanted, rel=1e-5)
    assert error_of(outcome, data) == pytest.approx(wanted, rel=1e-5)
    assert list(handle.curve) == handle.begun == [1, 2, 3, 4]


def test_a_training_loop_of_the_users_own_is_pruned_and_stopped(project: Any, tmp_path: Path) -> None:
    pruned, stopped = Handle(), Handle()
    pruned.prune_at, stopped.stop_after = 2, 3
    outcome = trial(pruned, project("Loop"), tmp_path)
    assert isinstance(outcome, Pruned)
    assert (outcome.epoch, outcome.best_epoch, outcome.value) == (2, 2, pruned.curve[2])
    assert trial(stopped, project("Loop"), tmp_path) == HandedBack(3)


def test_a_schedule_of_the_users_own_is_neither_reduced_nor_replaced(project: Any, tmp_path: Path) -> None:
    handle = Handle()
    plateau = {"reduce_learning_rate": {"patience": 0, "min_delta": 1e9}}
    study = project("Scheduled", training=plateau, retraining={"epochs": 4})
    assert isinstance(trial(handle, study, tmp_path), Completed)
    decayed = [0.02 * 0.9 ** (4 * epoch) for epoch in (1, 2, 3, 4)]
    assert handle.facts["history"]["learning_rate"] == pytest.approx(decayed, rel=1e-4)
    assert "schedule of its own" in handle.facts["rules"]["learning-rate reduction"]
    outcome = retrained(study, tmp_path)
    assert outcome.history["learning_rate"] == pytest.approx(decayed, rel=1e-4)
    assert "schedule of its own" in outcome.facts["rules"]["cosine annealing"]


def test_a_callback_that_assigns_the_rate_takes_the_place_of_our_annealing(
    project: Any, tmp_path: Path
) -> None:
    definition, workload = project("WarmUp", retraining={"epochs": 2})
    outcome = retrained((definition, workload), tmp_path)
    assert isinstance(outcome, Retrained), outcome
    assert outcome.history["learning_rate"] == pytest.approx([0.01, 0.01])
    rules = run_check(definition, workload, thorough=True).facts["rules"]
    assert rules["cosine annealing"] == "a callback sets the learning rate"


@pytest.mark.parametrize("kind", ["plateau", "scheduler", "setter"])
def test_a_callback_of_the_users_own_that_sets_the_rate_takes_the_place_of_ours(
    project: Any, tmp_path: Path, kind: str
) -> None:
    study = project("OwnCallbacks", arguments={"kind": kind}, retraining={"epochs": 3})
    outcome = retrained(study, tmp_path)
    assert isinstance(outcome, Retrained)
    assert outcome.facts["rules"]["cosine annealing"] is not None
    if kind != "plateau":
        assert outcome.history["learning_rate"] == pytest.approx([0.02, 0.01, 0.005])


def test_early_stopping_of_the_users_own_takes_the_place_of_ours(project: Any, tmp_path: Path) -> None:
    handle = Handle()
    rule = {"early_stopping": {"patience": 0, "min_delta": 1e9}}
    study = project("OwnCallbacks", arguments={"kind": "stopping"}, training=rule)
    trial(handle, study, tmp_path)
    assert list(handle.curve) == [1, 2, 3, 4]
    assert handle.facts["rules"]["early stopping"] == "fit() brings a EarlyStopping of its own"


def test_early_stopping_of_ours_ends_a_trial_that_does_not_improve(project: Any, tmp_path: Path) -> None:
    handle = Handle()
    rule = {"early_stopping": {"patience": 1, "min_delta": 1e9}}
    assert isinstance(trial(handle, project("Plain", training=rule), tmp_path), Completed)
    assert list(handle.curve) == [1, 2]
    assert handle.facts["rules"]["early stopping"] is None


def test_a_metric_that_a_later_callback_writes_counts(project: Any, tmp_path: Path) -> None:
    handle = Handle()
    objective = {"metric": "val_score", "direction": "maximize"}
    outcome = trial(handle, project("LateMetric", objective=objective), tmp_path)
    assert isinstance(outcome, Completed)
    assert (outcome.value, outcome.best_epoch) == (0.9, 2)


@pytest.mark.parametrize("rules", ["trial", "stopped", "pruned", "resumed", "retraining"])
def test_a_maximized_objective_counts_with_its_best_epoch_and_that_ones_weights(
    project: Any, tmp_path: Path, rules: str
) -> None:
    handle = Handle()
    stopping = {"patience": 1} if rules == "stopped" else False
    study = project(
        "Peaks",
        objective={"metric": "val_score", "direction": "maximize"},
        training={"early_stopping": stopping},
        retraining={"epochs": 4},
    )
    resume_from = None
    if rules == "resumed":
        first = Handle()
        first.checkpoints, first.stop_after = tmp_path, 3
        assert trial(first, study, tmp_path) == HandedBack(3)
        resume_from = tmp_path / "3.npz"
    handle.prune_at = 3 if rules == "pruned" else None
    outcome = (
        retrained(study, tmp_path) if rules == "retraining" else trial(handle, study, tmp_path, resume_from)
    )
    assert isinstance(outcome, Completed | Pruned | Retrained)
    assert (outcome.value, outcome.best_epoch) == (0.9, 2)
    kernel = keras.models.load_model(outcome.model).layers[0].get_weights()[0]
    np.testing.assert_array_equal(kernel, np.full((4, 5), 2.0))
    if rules == "stopped":
        assert list(handle.curve) == [1, 2, 3]


@pytest.mark.parametrize(("name", "steps"), [("OwnBatches", 8), ("NoBatches", 4), ("Plain", 4)])
def test_retraining_anneals_over_the_steps_that_fit_really_takes(
    project: Any, tmp_path: Path, name: str, steps: int
) -> None:
    outcome = retrained(project(name, retraining={"epochs": 6}), tmp_path)
    wanted = [
        0.02 * 0.5 * (1 + np.cos(np.pi * (min(steps * epoch + 1, 6 * steps)) / (6 * steps)))
        for epoch in range(1, 7)
    ]
    assert outcome.history["learning_rate"] == pytest.approx(wanted, abs=1e-6)
    assert outcome.facts["rules"]["cosine annealing"] is None


# What Keras says at the end of the first epoch.
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_retraining_counts_the_batches_of_a_data_set_of_unknown_length(project: Any, tmp_path: Path) -> None:
    outcome = retrained(project("Plain", "load_stream", retraining={"epochs": 4}), tmp_path)
    assert isinstance(outcome, Retrained), outcome
    rates = outcome.history["learning_rate"]
    wanted = [0.02 * 0.5 * (1 + np.cos(np.pi * min(4 * epoch + 1, 16) / 16)) for epoch in range(2, 5)]
    assert rates[0] == pytest.approx(0.02)
    assert rates[1:] == pytest.approx(wanted, abs=1e-6)


def test_a_fit_in_pieces_never_stays_at_rate_0(project: Any, tmp_path: Path) -> None:
    outcome = retrained(project("Chunks", retraining={"epochs": 4, "hold": 0.5}), tmp_path)
    assert len(outcome.history["val_loss"]) == 4
    assert len(set(outcome.history["val_loss"])) == 4


def test_a_metric_with_several_values_is_kept_and_harms_nothing(project: Any, tmp_path: Path) -> None:
    handle = Handle()
    outcome = trial(handle, project("Labels", "load_labels"), tmp_path)
    assert isinstance(outcome, Completed)
    assert [len(each) for each in handle.facts["history"]["val_f1_score"]] == [3, 3, 3, 3]
    assert json.dumps(handle.facts["history"])


def test_an_objective_with_several_values_is_refused_in_one_line(project: Any, tmp_path: Path) -> None:
    objective = {"metric": "val_f1_score", "direction": "maximize"}
    outcome = trial(Handle(), project("Labels", "load_labels", objective=objective), tmp_path)
    assert isinstance(outcome, Failed)
    assert "val_f1_score has 3 values an epoch" in outcome.reason
    assert "F1Score(average='macro')" in outcome.reason


def test_a_configuration_without_the_objective_fails_alone(project: Any, tmp_path: Path) -> None:
    study = project("Sometimes", objective={"metric": "val_mae", "direction": "minimize"})
    assert isinstance(trial(Handle(reports=True), study, tmp_path), Completed)
    outcome = trial(Handle(reports=False), study, tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.INVALID
    assert outcome.blames_study


def test_a_model_that_cannot_be_saved_fails_its_trial_and_not_its_process(
    project: Any, tmp_path: Path
) -> None:
    outcome = trial(Handle(), project("Unsaved"), tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR


@pytest.mark.parametrize("prune_at", [None, 2])
def test_a_model_that_predicts_otherwise_when_it_is_loaded_fails_its_trial_pruned_or_not(
    project: Any, tmp_path: Path, prune_at: int | None
) -> None:
    handle = Handle()
    handle.prune_at = prune_at
    outcome = trial(handle, project("Forgetful"), tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "the saved model predicts other values" in outcome.reason
