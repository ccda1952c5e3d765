"""What a Tuner makes of trainings of the user's own, compared with the same training by plain Keras."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import optuna
import pytest

from studyhall.search import Tuner
from studyhall.studies.errors import UserCodeError
from studyhall.studies.seeds import trial_seed

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")  # (examples, 1)
VALIDATION = (X[:8] + 0.1, Y[:8])

MakeTuner = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path) -> MakeTuner:
    """Return a function that makes a Tuner of one trial in a folder of the test's own."""

    def made(hypermodel: Any, **arguments: Any) -> Any:
        defaults = {"objective": "val_loss", "max_trials": 1, "seed": 1, "directory": tmp_path}
        return Tuner(hypermodel, **{**defaults, **arguments})

    return made


def network(outputs: int = 1) -> Any:
    """Two layers, so that the first can be frozen."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh")(inputs)
    return keras.Model(inputs, keras.layers.Dense(outputs)(hidden))


class TwoPhases(keras_tuner.HyperModel):  # type: ignore[misc]
    """Trains the last layer first, then all of them, with a fast rate that makes it worse again."""

    def build(self, hp: Any) -> Any:
        model = network()
        model.layers[1].trainable = False
        model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"], run_eagerly=True)
        return model

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        model.fit(*args, epochs=2, **kwargs)
        model.layers[1].trainable = True
        model.compile(
            keras.optimizers.SGD(hp.Float("rate", 0.01, 2.0)), "mse", metrics=["mae"], run_eagerly=True
        )
        return model.fit(*args, epochs=3, **kwargs)


class Curve(keras.callbacks.Callback):  # type: ignore[misc]
    """What each epoch of a plain training came to, and with which weights."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[dict[str, float]] = []
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.logs.append(dict(logs))
        self.weights.append(self.model.get_weights())


def plain(hypermodel: Any, values: Any, **kwargs: Any) -> tuple[Curve, Any]:
    """Train as trial 0 does, with Keras alone."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    keras.utils.set_random_seed(trial_seed(1, 0))
    model = hypermodel.build(hp)
    curve = Curve()
    returned = hypermodel.fit(
        hp, model, X, Y, validation_data=VALIDATION, verbose=0, callbacks=[curve], **kwargs
    )
    return curve, returned


@pytest.mark.parametrize("rate", [0.02, 1.5])  # better to the end, or best before its second phase
@pytest.mark.filterwarnings("error::UserWarning")  # Optuna's, of a step that was reported before
def test_two_fits_of_a_trial_have_one_result_of_one_epoch(make: MakeTuner, rate: float) -> None:
    tuner = make(
        TwoPhases(),
        objective=["val_loss", "val_mae"],
        enqueue=[{"rate": rate}],
        sampler="random",
        max_trials=2,
    )
    tuner.search(X, Y, validation_data=VALIDATION, verbose=0)
    single = make(TwoPhases(), enqueue=[{"rate": rate}], max_trials=2, study_name="single")
    single.search(X, Y, validation_data=VALIDATION, verbose=0)
    for each in (tuner, single):
        frozen = each.oracle.study.optuna().get_trials()[1]
        assert frozen.user_attrs["hyperparameters"] == {"rate": rate}
        keras.utils.set_random_seed(trial_seed(1, 1))
        hypermodel, hp = TwoPhases(), keras_tuner.HyperParameters()
        hp.values = {"rate": rate}
        model, curve = hypermodel.build(hp), Curve()
        hypermodel.fit(hp, model, X, Y, validation_data=VALIDATION, verbose=0, callbacks=[curve])
        losses = [logs["val_loss"] for logs in curve.logs]
        best = int(np.argmin(losses))
        trial = each.oracle.trials["1"]
        assert trial.best_step == best
        assert trial.score == pytest.approx(losses[best], rel=1e-6)
        assert trial.metrics.get_best_value("val_mae") == pytest.approx(curve.logs[best]["val_mae"], rel=1e-6)
        assert frozen.user_attrs["history"]["val_loss"] == pytest.approx(losses, rel=1e-6)
        for ours, theirs in zip(each.load_model(trial).get_weights(), curve.weights[best], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert list(single.oracle.study.optuna().get_trials()[1].intermediate_values) == [1, 2, 3, 4, 5]


class Vector(keras_tuner.HyperModel):  # type: ignore[misc]
    """Reports a metric that is one value for each class."""

    def build(self, hp: Any) -> Any:
        model = network(outputs=3)
        model.compile("sgd", "mse", metrics=[keras.metrics.F1Score()], run_eagerly=True)
        return model


def test_a_metric_with_several_values_breaks_no_trial_and_is_no_objective(make: MakeTuner) -> None:
    classes = np.eye(3, dtype="float32")[np.arange(24) % 3]  # (examples, classes)
    tuner = make(Vector())
    tuner.search(X, classes, validation_data=(X, classes), epochs=2, verbose=0)
    trial = tuner.oracle.study.optuna().get_trials()[0]
    assert trial.state is optuna.trial.TrialState.COMPLETE, trial.user_attrs
    assert np.shape(trial.user_attrs["history"]["val_f1_score"]) == (2, 3)
    assert len(tuner.get_best_models()) == 1
    refused = make(Vector(), objective=keras_tuner.Objective("val_f1_score", "max"), study_name="refused")
    with pytest.raises(
        (UserCodeError, keras_tuner.errors.FatalError), match="has 3 values an epoch.*F1Score"
    ):
        refused.search(X, classes, validation_data=(X, classes), epochs=1, verbose=0)


class Loop(keras_tuner.HyperModel):  # type: ignore[misc]
    """KerasTuner's guide to custom training: the model is not compiled, the loop calls the callbacks by
    itself.
    """

    def build(self, hp: Any) -> Any:
        return network()

    def fit(
        self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any, callbacks: Any = None, **kwargs: Any
    ) -> Any:
        optimizer = keras.optimizers.SGD(hp.Float("rate", 1e-3, 1.0, default=0.1))
        metric = keras.metrics.Mean()
        for callback in callbacks:
            callback.set_model(model)
        best = float("inf")
        for epoch in range(3):
            model.layers[2].kernel.assign(model.layers[2].kernel * (0.5 if epoch == 1 else 2.0))
            metric.update_state(
                keras.losses.mean_squared_error(validation_data[1], model(validation_data[0]))
            )
            loss = float(metric.result())
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": loss})
            metric.reset_state()
            best = min(best, loss)
        assert optimizer.learning_rate is not None
        return best


def test_a_training_loop_as_in_kerastuners_guide_has_the_value_of_the_model_that_is_kept(
    make: MakeTuner,
) -> None:
    tuner = make(Loop(), objective=keras_tuner.Objective("my_metric", "min"))
    tuner.search(x=X, y=Y, validation_data=VALIDATION, verbose=0)
    curve, returned = plain(Loop(), {"rate": 0.1})
    trial = tuner.oracle.trials["0"]
    assert trial.score == pytest.approx(returned, rel=1e-6)
    assert trial.score == min(logs["my_metric"] for logs in curve.logs)
    kept = tuner.get_best_models()[0]
    assert float(np.mean((kept.predict(VALIDATION[0], verbose=0) - VALIDATION[1]) ** 2)) == pytest.approx(
        trial.score, rel=1e-5
    )


class Sometimes(keras_tuner.HyperModel):  # type: ignore[misc]
    """Reports the objective in some configurations only."""

    def build(self, hp: Any) -> Any:
        model = network()
        reports = hp.Boolean("reports", default=True)
        model.compile("sgd", "mse", metrics=["mae"] if reports else [], run_eagerly=True)
        return model


def test_a_configuration_that_does_not_report_the_objective_fails_alone_once_another_did(
    make: MakeTuner,
) -> None:
    tuner = make(
        Sometimes(),
        objective=keras_tuner.Objective("val_mae", "min"),
        max_trials=3,
        enqueue=[{"reports": False}],
        sampler="random",
    )
    tuner.search(X, Y, validation_data=VALIDATION, epochs=1, verbose=0)
    first, second, *_ = tuner.oracle.study.optuna().get_trials()
    assert (first.state.name, second.state.name) == ("COMPLETE", "FAIL")
    assert second.user_attrs["failure"] == "invalid"
    assert "val_mae" in second.user_attrs["reason"]
    assert tuner.oracle.study.counts().waiting == 0


class Returns(keras_tuner.HyperModel):  # type: ignore[misc]
    """Returns metrics of its own, better for fewer units, whatever the loss."""

    def build(self, hp: Any) -> Any:
        hp.Int("units", 1, 9)
        model = network()
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        model.fit(*args, **kwargs)
        return {"val_loss": 1000.0 - hp.get("units"), "aic": 3.0}


def test_what_fit_returns_counts_as_in_a_study(make: MakeTuner) -> None:
    tuner = make(Returns(), max_trials=3, enqueue=[{"units": 2}, {"units": 7}])
    tuner.search(X, Y, validation_data=VALIDATION, epochs=1, verbose=0)
    scores = {trial.hyperparameters.get("units"): trial.score for trial in tuner.oracle.trials.values()}
    assert scores == {units: 1000.0 - units for units in scores}
    assert {2, 7} <= set(scores)
    aic = make(Returns(), objective=keras_tuner.Objective("aic", "min"), study_name="aic")
    aic.search(X, Y, validation_data=VALIDATION, epochs=1, verbose=0)
    assert aic.oracle.trials["0"].score == 3.0


class Late(keras_tuner.HyperModel):  # type: ignore[misc]
    """A callback that comes after ours writes the objective."""

    def build(self, hp: Any) -> Any:
        hp.Int("units", 1, 9)
        model = network()
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    def fit(self, hp: Any, model: Any, *args: Any, callbacks: Any, **kwargs: Any) -> Any:
        class Score(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                logs["val_score"] = [0.2, 0.9, 0.3][epoch]

        return model.fit(*args, callbacks=[*callbacks, Score()], **kwargs)


def test_an_objective_that_a_later_callback_writes_counts_with_its_best_epoch(make: MakeTuner) -> None:
    tuner = make(Late(), objective=keras_tuner.Objective("val_score", "max"))
    tuner.search(X, Y, validation_data=VALIDATION, epochs=3, verbose=0)
    trial = tuner.oracle.trials["0"]
    assert (trial.score, trial.best_step) == (0.9, 1)
    assert tuner.oracle.study.optuna().get_trials()[0].intermediate_values == {1: 0.2, 2: 0.9, 3: 0.3}


def test_loops_over_all_trials_work_whatever_became_of_them(make: MakeTuner) -> None:
    class Peaks(Late):
        def build(self, hp: Any) -> Any:
            if hp.Choice("fate", ["fine", "raises"], default="fine") == "raises":
                raise ValueError("no such model")
            return super().build(hp)

    tuner = make(
        Peaks(),
        objective=keras_tuner.Objective("val_score", "max"),
        max_trials=5,
        enqueue=[{"fate": "raises"}, {"fate": "fine"}],
        pruner={"name": "threshold", "options": {"upper": 0.5}},
    )
    tuner.search(X, Y, validation_data=VALIDATION, epochs=3, verbose=0)
    statuses = [trial.status for trial in tuner.oracle.trials.values()]
    assert {"COMPLETED", "PRUNED", "FAILED"} == set(statuses)
    for trial in tuner.oracle.trials.values():
        if trial.status == "FAILED":
            assert trial.score is None
        else:
            assert trial.score == trial.metrics.get_best_value("val_score") == 0.9
            assert trial.get_state() is not None
    tuner.results_summary()
