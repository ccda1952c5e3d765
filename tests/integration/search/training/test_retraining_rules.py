"""The retraining's rules act as the study file says, whatever it says of trials; and its seed is the only
chance in it.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.search.core.outcome import Failed, HandedBack, Retrained
from studyhall.search.training import retrain as retrain_module
from studyhall.search.training.account import NotFiniteError, UnknownMetricError
from studyhall.search.training.callbacks import StopRequestedError
from studyhall.search.training.check import DefaultsHandle
from studyhall.search.training.retrain import run_retraining
from studyhall.search.training.saving import UnsavableModelError
from studyhall.search.training.schedules import HoldThenCosine
from studyhall.search.user.workload import load_workload
from studyhall.studies.errors import StorageError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.study_file.loading import define

PROJECT = """
import keras
import numpy as np
from keras import layers

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")


def build(hp, metrics=()):
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dropout(0.2), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.02), "mse", metrics=[*metrics], run_eagerly=True)
    return model


def scored(hp):
    return build(hp, [keras.metrics.R2Score(name="r2")])


def load():
    return (X[:16], Y[:16]), (X[16:], Y[16:])
"""
RATE = 0.02
NEVER = 1e9  # so much better no epoch ever is: each but the first is one without improvement

# What must not be taken for the retraining's.
OF_TRIALS = {
    "epochs": 2,
    "batch_size": 8,
    "early_stopping": {"patience": 1, "min_delta": NEVER},
    "reduce_learning_rate": {"patience": 1, "factor": 0.9, "min_delta": NEVER},
}

Retrain = Callable[..., Retrained]


@pytest.fixture
def retrain(tmp_path: Path) -> Retrain:
    """Retrain the model above as the section says."""
    (tmp_path / "project.py").write_text(PROJECT)

    def run(seed: int = 7, sections: dict[str, Any] | None = None, **retraining: Any) -> Retrained:
        tables = {
            "name": "retrained",
            "hypermodel": "project.py:build",
            "data": "project.py:load",
            "training": OF_TRIALS,
            "retraining": {"epochs": 3, **retraining},
        }
        definition = define(tables | (sections or {}), tmp_path)
        outcome = run_retraining(DefaultsHandle(seed), definition, load_workload(definition), {}, tmp_path)
        assert isinstance(outcome, Retrained), outcome
        return outcome

    return run


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StopRequestedError(2), HandedBack(2)),
        (NotFiniteError("val_loss is nan"), Failed(FailureKind.NAN, "val_loss is nan")),
        (UnknownMetricError("no 'f1'"), Failed(FailureKind.INVALID, "no 'f1'")),
        (UnsavableModelError("it cannot be saved"), Failed(FailureKind.ERROR, "it cannot be saved")),
        (
            MemoryError("no room"),
            Failed(FailureKind.OOM, "project.py:build fails: MemoryError: no room", "MemoryError: no room"),
        ),
        (
            TypeError("no argument"),
            Failed(
                FailureKind.ERROR, "project.py:build fails: TypeError: no argument", "TypeError: no argument"
            ),
        ),
        (StorageError("the database is away"), None),
    ],
)
def test_an_exception_says_how_a_retraining_ends(
    error: Exception, outcome: Failed | HandedBack | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def fail(*arguments: Any) -> Retrained:
        tries.append(arguments)
        raise error

    monkeypatch.setattr(retrain_module, "_retrained", fail)
    (tmp_path / "project.py").write_text(PROJECT)
    definition = define(
        {"name": "retrained", "hypermodel": "project.py:build", "data": "project.py:load"}, tmp_path
    )
    workload = load_workload(definition)
    if outcome is None:
        with pytest.raises(type(error)):
            run_retraining(DefaultsHandle(7), definition, workload, {}, tmp_path)
        return
    ended = run_retraining(DefaultsHandle(7), definition, workload, {}, tmp_path)
    assert len(tries) == 1
    if isinstance(outcome, Failed) and outcome.details:
        assert isinstance(ended, Failed)
        assert outcome.details in ended.details
        ended = dataclasses.replace(ended, details=outcome.details)
    assert ended == outcome


def test_plateau_reduces_the_rate_as_the_retrainings_rule_says(retrain: Retrain) -> None:
    rule = {"patience": 2, "factor": 0.5, "cooldown": 2, "min_delta": NEVER, "min_learning_rate": RATE * 0.4}
    outcome = retrain(epochs=7, schedule="plateau", reduce_learning_rate=rule)
    shares = [1, 1, 1, 0.5, 0.5, 0.5, 0.4]
    assert outcome.history["learning_rate"] == pytest.approx([RATE * share for share in shares], rel=1e-5)
    assert outcome.facts["rules"] == {"learning-rate reduction": None}


def test_cosine_has_the_shares_of_the_study_file(retrain: Retrain) -> None:
    outcome = retrain(epochs=4, schedule="cosine", warmup=0.3, hold=0.5, final_learning_rate=0.1)
    schedule = HoldThenCosine(RATE, 8, warmup=0.3, hold=0.5, final=0.1)
    wanted = [float(schedule(min(2 * epoch, 8))) for epoch in range(1, 5)]
    assert outcome.history["learning_rate"] == pytest.approx(wanted, rel=1e-5)
    assert outcome.facts["rules"] == {"cosine annealing": None}


def test_early_stopping_ends_a_retraining_after_its_own_patience(retrain: Retrain) -> None:
    outcome = retrain(epochs=5, schedule="constant", early_stopping={"patience": 2, "min_delta": NEVER})
    assert len(outcome.history["val_loss"]) == 3
    assert outcome.value == min(outcome.history["val_loss"])
    assert outcome.facts["rules"] == {"early stopping": None}


def test_rules_wait_for_a_rise_where_the_objective_is_maximized(retrain: Retrain) -> None:
    outcome = retrain(
        sections={
            "hypermodel": "project.py:scored",
            "objective": {"metric": "val_r2", "direction": "maximize"},
        },
        schedule="plateau",
        reduce_learning_rate={"patience": 1},
        early_stopping={"patience": 1},
    )
    scores = outcome.history["val_r2"]
    assert scores == sorted(scores)
    assert outcome.history["learning_rate"] == pytest.approx([RATE] * 3)


def test_a_constant_rate_without_rules_trains_as_plain_keras_does_from_the_same_seed(
    retrain: Retrain,
) -> None:
    outcome = retrain(schedule="constant")
    assert outcome.facts["rules"] == {}
    project: dict[str, Any] = {}
    exec(PROJECT, project)
    keras.utils.set_random_seed(7)
    model = project["build"](None)
    (x, y), validation = project["load"]()
    history = model.fit(x, y, validation_data=validation, epochs=3, batch_size=8, verbose=0).history
    assert outcome.history["val_loss"] == pytest.approx(history["val_loss"], rel=1e-6)
    best = int(np.argmin(history["val_loss"]))
    assert (outcome.value, outcome.best_epoch) == (outcome.history["val_loss"][best], best + 1)
    kept = keras.models.load_model(outcome.model)
    assert kept.evaluate(*validation, verbose=0) == pytest.approx(outcome.value, rel=1e-5)


def test_a_retraining_from_the_same_seed_has_the_same_weights_and_from_another_one_others(
    retrain: Retrain,
) -> None:
    def weights(seed: int) -> list[Any]:
        outcome = retrain(seed, epochs=1)
        assert outcome.facts["seed"] == seed
        found: list[Any] = keras.models.load_model(outcome.model, compile=False).get_weights()
        return found

    first, again, other = weights(1), weights(1), weights(2)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert all(np.any(one != three) for one, three in zip(first, other, strict=True))
