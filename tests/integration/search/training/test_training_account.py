"""Which epoch of a training counts, and what what `fit` returned comes to beside it; without any training."""

import json
import math
from types import SimpleNamespace
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from studyhall.search.training.account import Account, NotFiniteError, UnknownMetricError
from studyhall.search.training.logs import log_value, number_in
from studyhall.search.training.result import Objective, Result, result_of, result_of_training

MINIMIZED = (Objective("val_loss", "minimize"),)


def heard(
    *epochs: dict[str, Any], metrics: tuple[str, ...] = ("val_loss",), direction: str = "minimize"
) -> Account:
    """An account of these epochs, of a model whose weights are how many epochs it was trained."""
    account = Account(metrics, direction)
    account.set_model(SimpleNamespace(get_weights=lambda: [account.finished]))
    account.on_train_begin()
    for epoch, logs in enumerate(epochs):
        account.on_epoch_end(epoch, logs)
    return account


def losses(*values: float) -> Account:
    return heard(*({"val_loss": value} for value in values))


def history(**columns: list[Any]) -> keras.callbacks.History:
    made = keras.callbacks.History()
    made.history = columns
    return made


@pytest.mark.parametrize(("direction", "best"), [("minimize", 2), ("maximize", 1)])
def test_the_first_of_equal_epochs_is_the_best(direction: str, best: int) -> None:
    account = heard(*({"val_loss": each} for each in (3.0, 1.0, 2.0, 1.0, 3.0)), direction=direction)
    assert (account.best_epoch, account.weights) == (best, [best])
    assert account.best == {"val_loss": account.value}


def test_an_epoch_without_every_objective_is_no_best_one() -> None:
    account = heard(
        {"a": 1.0}, {"b": 1.0}, {"a": 3.0, "b": 2.0}, {"a": 2.0, "b": [1.0, 2.0]}, metrics=("a", "b")
    )
    assert (account.best_epoch, account.value, account.finished, account.fits) == (3, 3.0, 4, 1)
    assert account.history == {"a": [1.0, None, 3.0, 2.0], "b": [None, 1.0, 2.0, [1.0, 2.0]]}
    none = heard({"loss": 1.0})
    assert (none.best, none.best_epoch, none.weights) == (None, None, None)


@pytest.mark.parametrize("logs", [{"loss": math.inf}, {"loss": 1.0, "val_loss": math.nan}])
def test_a_loss_or_an_objective_that_is_not_finite_ends_the_training(logs: dict[str, float]) -> None:
    with pytest.raises(NotFiniteError, match="after epoch 2"):
        heard({"val_loss": 1.0, "accuracy": math.nan}, logs)


def test_an_objective_that_nobody_else_could_report_is_missed_at_once() -> None:
    account = Account(["val_loss"], "minimize", must_report=True)
    with pytest.raises(UnknownMetricError, match="reports no 'val_loss'; it reports: accuracy, loss"):
        account.on_epoch_end(0, {"loss": 1.0, "accuracy": 0.5})
    with pytest.raises(UnknownMetricError, match="val_loss has 6 values an epoch"):
        account.on_epoch_end(1, {"val_loss": np.zeros((2, 3))})
    with pytest.raises(UnknownMetricError, match="it reports: nothing"):
        account.on_epoch_end(1)


def test_an_account_goes_on_in_another_process() -> None:
    first = losses(2.0, 1.0)
    other = losses()
    other.restore(json.loads(json.dumps(first.state())), ["kept"])
    other.on_epoch_end(0, {"val_loss": 1.5})
    assert (other.finished, other.best_epoch, other.value, other.weights) == (3, 2, 1.0, ["kept"])
    assert first.finished == 2
    other.on_epoch_end(1, {"val_loss": 0.5})
    assert (other.best_epoch, other.weights) == (4, [4])


def test_what_is_no_number_is_not_reported() -> None:
    assert [log_value(each) for each in ("1", b"1", None, object(), {"a": 1}, True, np.True_)] == [None] * 7
    assert [log_value(each) for each in (1, np.float32(0.5), [[2]], keras.ops.ones((1, 1)))] == [
        1.0,
        0.5,
        2.0,
        1.0,
    ]
    assert log_value(keras.ops.ones((1, 2))) == [[1.0, 1.0]]
    assert (number_in({"a": [1, 2]}, "a"), number_in(None, "a"), number_in({"a": 1}, "a")) == (
        None,
        None,
        1.0,
    )


@pytest.mark.parametrize(
    ("returned", "epoch"),
    [
        (None, 2),
        (history(val_loss=[9.0]), 2),
        ({"val_loss": [3.0, 1.0]}, 2),
        ({"val_loss": np.array([3.0, 1.0])}, 2),
        (1.0 + 1e-8, 2),
        (3.0, 2),
        ({"val_loss": 3.0}, 2),
        (2.0, None),
        (2.0 + 1e-8, None),
        (2.5, None),
        ({"val_loss": 2.5}, None),
    ],
)
def test_a_value_of_an_epoch_whose_model_nobody_has_gives_way_to_the_best_epoch(
    returned: Any, epoch: int | None
) -> None:
    result, is_best = result_of_training(returned, losses(3.0, 1.0, 2.0), MINIMIZED, "fit()")
    assert (result.best_epoch, is_best) == (epoch, epoch is not None)
    if epoch is not None:
        assert result.values == [1.0]
    assert result.history == {"val_loss": [3.0, 1.0, 2.0]}


def test_the_last_epoch_counts_by_what_fit_returned_unless_it_is_the_best() -> None:
    result, is_best = result_of_training({"val_loss": 1.0, "f": 0.5}, losses(3.0, 1.0), MINIMIZED, "fit()")
    assert (result.metrics, is_best) == ({"val_loss": 1.0, "f": 0.5}, True)


def test_lists_that_no_epoch_reported_are_a_history_of_their_own() -> None:
    account = losses(3.0, 2.0)
    result, is_best = result_of_training({"val_loss": [9.0, 8.0]}, account, MINIMIZED, "fit()")
    assert (result.values, is_best) == ([8.0], False)
    assert result.history == account.history
    alone, _ = result_of_training({"val_loss": [9.0, 8.0]}, losses(), MINIMIZED, "fit()")
    assert alone.history == {"val_loss": [9.0, 8.0]}


@pytest.mark.parametrize(
    ("returned", "epochs", "wanted"),
    [
        (None, [], "reported no epoch and returned None"),
        (history(), [], "reported no epoch: pass"),
        (None, [{"loss": 1.0}], "reports no 'val_loss'; it reports: loss"),
        (None, [{"val_los": 1.0}], "reports no 'val_loss'; did you mean 'val_los'\\? it reports: val_los"),
        ({}, [], "returned no 'val_loss'"),
        (np.zeros(2), [], "returned a ndarray"),
        (keras.ops.zeros(2), [], "to be one of a History, a dictionary or a number"),
    ],
)
def test_a_training_without_a_result_says_what_is_missing(
    returned: Any, epochs: list[Any], wanted: str
) -> None:
    with pytest.raises(keras_tuner.errors.FatalError, match=wanted):
        result_of_training(returned, heard(*epochs), MINIMIZED, "fit()")


def test_the_best_epoch_of_a_history_has_every_objective() -> None:
    objectives = (Objective("f", "maximize"), Objective("g", "minimize"))
    result = result_of(history(f=[1.0, 4.0, 4.0, 9.0], g=[1.0, 2.0, 1.0]), objectives, "fit()")
    assert result == Result(
        [4.0, 2.0], {"f": 4.0, "g": 2.0}, 2, {"f": [1.0, 4.0, 4.0, 9.0], "g": [1.0, 2.0, 1.0]}
    )
    with pytest.raises(UnknownMetricError, match="no epoch has all of f, g"):
        result_of(history(f=[None, 1.0], g=[1.0]), objectives, "fit()")
    with pytest.raises(UnknownMetricError, match="returned no 'g'"):
        result_of(history(f=[1.0]), objectives, "fit()")
