"""One trial, trained in this process: every way it can end, and continuing it elsewhere value for value."""

import io
import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from optuna.distributions import BaseDistribution
from PIL import Image

from studyhall.search.core.handle import Start
from studyhall.search.core.outcome import Completed, Failed, HandedBack, Pruned, TrialOutcome
from studyhall.search.training.first_step import MOMENTS, FirstStep
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import Workload
from studyhall.studies.definition import Definition
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.study_file.loading import define
from studyhall.studies.values import Value

MODEL = """
import keras
import keras_tuner
from keras import layers


class Net(keras_tuner.HyperModel):
    '''A network with all that has a state: batch normalisation, dropout, momentum.'''

    def build(self, hp):
        if hp.Boolean("impossible"):
            raise keras_tuner.errors.FailedTrialError("too large for this machine")
        model = keras.Sequential([
            layers.Input((32, 32, 1)),
            layers.Conv2D(hp.Int("filters", 2, 4), 3, padding="same"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Conv2D(2, 1),
        ])
        rate = hp.Float("learning_rate", 1e-4, 1e30, sampling="log", default=1e-2)
        model.compile(optimizer=keras.optimizers.SGD(rate, momentum=0.9), loss="mse", run_eagerly=True)
        return model


class Traced(Net):
    def build(self, hp):
        model = super().build(hp)
        model.run_eagerly = False
        return model

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)


class Broken(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Int("filters", 1, 2)
        raise KeyError("nothing of that name")


class Thawing(Net):
    def build(self, hp):
        model = super().build(hp)
        model.layers[0].trainable = False
        return model

    def fit(self, hp, model, *args, **kwargs):
        model.layers[0].trainable = True
        return model.fit(*args, **kwargs)


@keras.saving.register_keras_serializable()
def odd(y, p):
    return p[:, 0, 0, 0] * float("nan")


class Odd(Net):
    def build(self, hp):
        model = super().build(hp)
        model.compile(optimizer="sgd", loss="mse", metrics=[odd], run_eagerly=True)
        return model


class Silent(Net):
    def fit(self, hp, model, *args, **kwargs):
        kwargs.pop("validation_data")
        return model.fit(*args, **kwargs)
"""


class Handle:
    """A trial without a study, that remembers what it was told."""

    number = 4
    seed = 11

    def __init__(self, **values: Value) -> None:
        self.start = Start(defaults=True, values=values, implied=True)
        self.curve: dict[int, float] = {}
        self.facts: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.prune_at: int | None = None
        self.stop_after: int | None = None
        self.checkpoints: Path | None = None
        self.kept = True
        self.finished = 0

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        assert value is not None
        return value

    def report(self, step: int, value: float, *others: float) -> bool:
        assert step not in self.curve, "an epoch was reported twice"
        self.curve[step] = value
        self.finished = step
        return step == self.prune_at

    def record(self, facts: Mapping[str, Any]) -> None:
        self.facts.update(facts)

    def attach(self, filename: str, content: bytes) -> None:
        self.files[filename] = content

    def progress(self, epoch: int, step: int, steps: int) -> None:
        pass

    def checkpoint(self, epochs: int, path: Path) -> None:
        if self.checkpoints is not None:
            shutil.copy(path, self.checkpoints / f"{epochs}.npz")

    def keeps(self, value: float) -> bool:
        return self.kept

    def begin_epoch(self, epoch: int) -> bool:
        return True

    def stop_requested(self) -> bool:
        return self.stop_after is not None and self.finished >= self.stop_after


Run = Callable[..., TrialOutcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a trial of `my_model.py` on synthetic data."""
    (tmp_path / "my_model.py").write_text(MODEL)
    from studyhall.search.user.workload import load_workload

    loaded: dict[str, tuple[Definition, Workload]] = {}

    def run(
        handle: Handle,
        name: str = "Net",
        epochs: int = 2,
        resume_from: Path | None = None,
        search: dict[str, Any] | None = None,
        **training: Any,
    ) -> TrialOutcome:
        tables = {
            "name": "trial",
            "hypermodel": f"my_model.py:{name}",
            "data": {"source": "synthetic", "samples_per_epoch": 64, "validation_samples": 32},
            "search": search or {},
            "training": {"epochs": epochs, "batch_size": 16, **training},
        }
        key = repr(tables)
        if key not in loaded:
            definition = define(tables, tmp_path)
            loaded[key] = definition, load_workload(definition)
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        return run_trial(handle, *loaded[key], scratch, resume_from)

    return run


def test_a_trial_completes_with_its_best_epoch_and_its_facts(run: Run) -> None:
    handle = Handle()
    outcome = run(handle, epochs=3)
    assert isinstance(outcome, Completed)
    assert outcome.best_epoch is not None
    assert outcome.value == min(handle.curve.values()) == handle.curve[outcome.best_epoch]
    assert list(handle.curve) == [1, 2, 3]
    assert handle.facts["hyperparameters"] == {"impossible": False, "filters": 2, "learning_rate": 1e-2}
    assert handle.facts["history"]["val_loss"] == list(handle.curve.values())
    assert len(handle.facts["history"]["learning_rate"]) == 3
    wanted = {
        "seed",
        "parameters",
        "backend",
        "device",
        "versions",
        "revision",
        "data_fingerprint",
        "seconds",
    }
    assert wanted <= handle.facts.keys()
    assert handle.facts["images_per_second"] > 0
    saved = keras.models.load_model(outcome.model)
    assert saved.count_params() == handle.facts["parameters"]


def test_a_metric_that_is_nan_is_null_in_the_files_of_the_trial(run: Run) -> None:
    handle = Handle()
    outcome = run(handle, "Odd")
    assert isinstance(outcome, Completed)
    assert np.isnan(handle.facts["history"]["val_odd"]).all()
    attached = json.loads(handle.files["history.json"], parse_constant=pytest.fail)
    assert attached["val_odd"] == [None, None]
    assert attached["val_loss"] == list(handle.curve.values())


def test_a_model_that_the_study_would_not_keep_is_not_saved(run: Run, tmp_path: Path) -> None:
    handle = Handle()
    handle.kept = False
    outcome = run(handle)
    assert isinstance(outcome, Completed)
    assert outcome.model is None
    assert not list((tmp_path / "scratch").glob("*.keras"))


def test_the_training_step_is_traced_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    update, traced = keras.optimizers.SGD.update_step, []

    def counted(self: Any, gradient: Any, variable: Any, rate: Any) -> None:
        traced.append(variable)
        update(self, gradient, variable, rate)

    monkeypatch.setattr(keras.optimizers.SGD, "update_step", counted)
    assert isinstance(run(Handle(), name="Traced", epochs=2), Completed)
    assert len(traced) == 6  # kernel and bias of two convolutions, and batch normalisation's scale and offset


@pytest.mark.parametrize("layer", ["dense", "embedding"])
def test_adam_learns_in_fewer_operations_what_it_learns_in_keras(layer: str) -> None:
    x = np.arange(64).reshape(32, 2) % 7
    y = np.linspace(0, 1, 32)[:, None]

    def trained(prepare: bool) -> tuple[list[Any], int]:
        keras.utils.set_random_seed(3)
        first = [keras.layers.Embedding(7, 4), keras.layers.Flatten()] if layer == "embedding" else []
        model = keras.Sequential([keras.Input((2,)), *first, keras.layers.Dense(5), keras.layers.Dense(1)])
        optimizer = keras.optimizers.Adam(0.05, clipnorm=0.5, weight_decay=0.01)
        model.compile(optimizer, loss="mse", jit_compile=False)
        traced: list[Any] = []
        update = keras.optimizers.Adam.update_step

        def counted(self: Any, *arguments: Any) -> None:
            traced.append(arguments)
            update(self, *arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keras.optimizers.Adam, "update_step", counted)
            model.fit(
                x,
                y,
                batch_size=8,
                epochs=3,
                shuffle=False,
                verbose=0,
                callbacks=[FirstStep()] if prepare else [],
            )
        assert int(optimizer.iterations) == 12
        return model.get_weights(), len(traced)

    (fused, traced), (plain, _) = trained(prepare=True), trained(prepare=False)
    assert traced == (0 if layer == "dense" else 5)  # an embedding's gradient is sparse
    for ours, kerass in zip(fused, plain, strict=True):
        np.testing.assert_allclose(ours, kerass, atol=1e-4)  # a step is 0.05


@pytest.mark.parametrize("name", MOMENTS)
def test_adam_of_a_keras_that_names_its_moments_otherwise_keeps_its_own_step(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), loss="mse", run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    delattr(model.optimizer, name)
    steps: list[Any] = []
    monkeypatch.setattr(
        keras.optimizers.Adam, "update_step", lambda self, *arguments: steps.append(arguments)
    )
    model.fit(np.ones((1, 2)), np.ones((1, 1)), verbose=0, callbacks=[FirstStep()])
    assert len(steps) == 2  # the kernel and the bias


def test_a_hypermodel_may_train_more_variables_in_its_fit_than_it_built(run: Run) -> None:
    assert isinstance(run(Handle(), name="Thawing"), Completed)


def test_a_completed_trial_shows_its_history_and_its_predictions(run: Run) -> None:
    handle = Handle()
    run(handle, epochs=1)
    assert sorted(handle.files) == ["history.json", "predictions.png"]
    assert json.loads(handle.files["history.json"]) == handle.facts["history"]
    assert len(handle.files["predictions.png"]) < 100_000
    picture = Image.open(io.BytesIO(handle.files["predictions.png"]))
    assert picture.size == (5 * 102 + 58, 20 + 6 * 102)


def test_a_trial_shows_nothing_where_its_definition_wants_no_figures(run: Run) -> None:
    handle = Handle()
    assert isinstance(run(handle, epochs=1, search={"figures": False}), Completed)
    assert handle.files == {}


def test_predictions_that_cannot_be_drawn_cost_the_trial_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: Any) -> bytes:
        raise MemoryError("no more")

    monkeypatch.setattr("studyhall.search.training.trial_files.predictions_png", broken)
    handle = Handle()
    assert isinstance(run(handle, epochs=1), Completed)
    assert list(handle.files) == ["history.json"]
    assert "trial 4 shows no predictions" in caplog.text


def test_a_trial_is_pruned_when_the_study_says_so(run: Run) -> None:
    handle = Handle()
    handle.prune_at = 1
    started = time.perf_counter()
    outcome = run(handle, epochs=3)
    assert isinstance(outcome, Pruned)
    assert (outcome.epoch, outcome.value, outcome.best_epoch) == (1, handle.curve[1], 1)
    assert list(handle.curve) == [1]
    assert handle.facts["epochs"] == 1
    assert handle.facts["history"]["val_loss"] == [outcome.value]
    assert outcome.model is not None
    assert outcome.model.is_file()
    assert list(handle.files) == ["history.json"]
    assert 0 < handle.facts["seconds"] < time.perf_counter() - started


def test_the_last_epoch_is_never_pruned(run: Run) -> None:
    handle = Handle()
    handle.prune_at = 2
    assert isinstance(run(handle, epochs=2), Completed)


def test_a_loss_that_is_not_finite_fails_the_trial(run: Run) -> None:
    outcome = run(Handle(learning_rate=1e30))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.NAN


def test_a_refused_configuration_fails_the_trial(run: Run) -> None:
    outcome = run(Handle(impossible=True))
    assert outcome == Failed(FailureKind.INVALID, "too large for this machine")


def test_a_queued_value_that_nobody_asks_for_fails_the_trial(run: Run) -> None:
    outcome = run(Handle(layers=3))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.INVALID
    assert "layers" in outcome.reason


def test_an_exception_of_the_users_code_fails_the_trial_and_names_their_line(run: Run) -> None:
    outcome = run(Handle(), name="Broken")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "nothing of that name" in outcome.reason
    assert "my_model.py, line" in outcome.reason
    assert "my_model.py" in outcome.details


def test_a_metric_that_training_does_not_report_is_the_studys_fault(run: Run) -> None:
    outcome = run(Handle(), name="Silent")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.INVALID
    assert outcome.blames_study
    assert "reports no 'val_loss'" in outcome.reason


def test_a_trial_that_is_stopped_says_how_many_epochs_are_finished(run: Run) -> None:
    handle = Handle()
    handle.stop_after = 2
    assert run(handle, epochs=5) == HandedBack(2)


def test_a_trial_interrupted_twice_has_the_curve_of_one_that_was_not(run: Run, tmp_path: Path) -> None:
    rules: dict[str, Any] = {
        "reduce_learning_rate": {"factor": 0.5, "patience": 0, "min_delta": 0.05},
        "early_stopping": {"patience": 5},
    }
    whole = Handle()
    complete = run(whole, epochs=7, **rules)
    assert isinstance(complete, Completed)
    weights = keras.models.load_model(complete.model).get_weights()

    pieces: dict[int, float] = {}
    resume_from = None
    for stop_after in (2, 5, None):
        part = Handle()
        part.checkpoints = tmp_path
        part.stop_after = stop_after
        outcome = run(part, epochs=7, resume_from=resume_from, **rules)
        assert not pieces.keys() & part.curve.keys()
        pieces |= part.curve
        if stop_after is not None:
            assert outcome == HandedBack(stop_after)
            resume_from = tmp_path / f"{stop_after}.npz"
    assert isinstance(outcome, Completed)
    assert pieces == whole.curve
    assert part.facts["history"] == whole.facts["history"]
    assert len(set(whole.facts["history"]["learning_rate"])) > 1, "the learning rate was never reduced"
    for one, other in zip(keras.models.load_model(outcome.model).get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
