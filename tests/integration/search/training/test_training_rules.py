"""When a rule of ours acts and what it leaves alone, told by its hooks; without any training."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.search.training.account import Account
from studyhall.search.training.own_fit import changed, joined
from studyhall.search.training.rules import (
    Annealing,
    EarlyStopping,
    Plateau,
    fixed_rate,
    is_for_a_callbacks_rate,
)
from studyhall.studies.definition import EarlyStoppingSpec, PlateauSpec


def model_of(optimizer: Any) -> Any:
    return SimpleNamespace(optimizer=optimizer, stop_training=False)


def sgd(rate: Any = 0.1) -> Any:
    return keras.optimizers.SGD(rate)


def rate_of(model: Any) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def plateau(model: Any) -> Plateau:
    rule = Plateau("val_loss", "min", PlateauSpec(factor=0.5, patience=1, cooldown=0))
    rule.set_model(model)
    rule.on_train_begin()
    return rule


def test_a_plateau_halves_a_rate_and_an_epoch_without_the_objective_counts_for_nothing() -> None:
    model = model_of(sgd())
    rule = plateau(model)
    rule.on_epoch_end(0, {"val_loss": 1.0})
    for logs in ({"loss": 9.0}, {"val_loss": [1.0, 2.0]}, None):
        rule.on_epoch_end(1, logs)
    assert rate_of(model) == pytest.approx(0.1)
    rule.on_epoch_end(2, {"val_loss": 1.0})
    assert rate_of(model) == pytest.approx(0.05)
    rule.displaced = "theirs"
    rule.on_epoch_end(3, {"val_loss": 1.0})
    assert rate_of(model) == pytest.approx(0.05)


def test_a_rate_that_nobody_can_set_is_left_alone_and_says_why() -> None:
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    scaled = keras.optimizers.LossScaleOptimizer(sgd(schedule))
    for optimizer, why in [
        (sgd(schedule), "the optimizer has a learning-rate schedule of its own"),
        (scaled, "the optimizer has a learning-rate schedule of its own"),
        (None, "the model has no optimizer"),
        (sgd(), None),
        (keras.optimizers.LossScaleOptimizer(sgd()), None),
    ]:
        rule = plateau(model_of(optimizer))
        assert (rule.left_out, fixed_rate(rule.model)) == (why, why)
    rule = plateau(model_of(sgd(schedule)))
    for epoch in range(3):
        rule.on_epoch_end(epoch, {"val_loss": 1.0})


def test_early_stopping_stops_after_its_patience_unless_it_is_displaced() -> None:
    for displaced, stops in [(None, True), ("theirs", False)]:
        rule = EarlyStopping("val_loss", "min", EarlyStoppingSpec(patience=2))
        rule.set_model(model := model_of(sgd()))
        rule.displaced = displaced
        rule.on_train_begin()
        for epoch in range(3):
            rule.on_epoch_end(epoch, {"val_loss": 1.0})
            rule.on_epoch_end(epoch, {"loss": 1.0})
            assert model.stop_training is (stops and epoch == 2)


def annealed(steps: int | None, epochs: int, begun_at: int = 0) -> tuple[Annealing, Any]:
    model = model_of(sgd())
    model.optimizer.iterations.assign(begun_at)
    rule = Annealing(0.0, 0.0, 0.0)
    rule.set_model(model)
    rule.set_params({"steps": steps, "epochs": epochs})
    rule.on_train_begin()
    return rule, model


def ends(model: Any) -> int:
    """The step at which the rate reaches its end."""
    schedule = model.optimizer._learning_rate
    return int(schedule.start + schedule.steps)


def test_a_rate_is_annealed_over_the_steps_that_a_fit_has() -> None:
    rule, model = annealed(steps=4, epochs=3, begun_at=7)
    assert ends(model) == 7 + 12
    model.optimizer.iterations.assign(19)
    rule.initial_epoch = 2
    rule.on_train_begin()  # the next fit begins at the peak again
    assert (ends(model), rule.left_out) == (19 + 4, None)
    assert model.optimizer._learning_rate.peak == pytest.approx(0.1)


def test_steps_that_keras_does_not_know_are_counted_in_the_first_epoch() -> None:
    rule, model = annealed(steps=None, epochs=3, begun_at=5)
    rule.on_epoch_begin(0)
    assert rate_of(model) == pytest.approx(0.1)
    model.optimizer.iterations.assign(9)
    rule.on_epoch_begin(1)
    assert ends(model) == 5 + 12
    model.optimizer.iterations.assign(13)
    rule.on_epoch_begin(2)
    assert ends(model) == 5 + 12


def test_a_displaced_annealing_leaves_the_rate_alone() -> None:
    rule = Annealing(0.0, 0.0, 0.0)
    rule.set_model(model := model_of(sgd()))
    rule.set_params({"steps": 4, "epochs": 3})
    rule.displaced = "theirs"
    rule.on_train_begin()
    rule.on_epoch_begin(0)
    assert (rule.left_out, fixed_rate(model)) == ("theirs", None)


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (TypeError("the learning rate is not settable"), True),
        (AttributeError("'float' object has no attribute 'assign'"), True),
        (TypeError("has no attribute 'assign'"), False),
        (AttributeError("learning rate is not settable"), False),
        (TypeError("other"), False),
        (AttributeError("other"), False),
    ],
)
def test_only_an_error_of_setting_the_rate_is_a_callbacks(error: Exception, is_one: bool) -> None:
    assert is_for_a_callbacks_rate(error) is is_one


class Model:
    """Has a `fit` with Keras's words, which returns what it was given."""

    def fit(
        self,
        x: Any = None,
        batch_size: Any = None,
        epochs: int = 1,
        callbacks: Any = None,
        initial_epoch: int = 0,
        **kwargs: Any,
    ) -> dict[str, Any]:
        given = {"x": x, "batch_size": batch_size, "epochs": epochs, "callbacks": callbacks} | kwargs
        return given | {"initial_epoch": initial_epoch}


def test_callbacks_of_the_users_own_come_first_and_displace_the_rules_of_their_kind() -> None:
    early = EarlyStopping("val_loss", "min", EarlyStoppingSpec())
    annealing = Annealing(0.0, 0.0, 0.0)
    ours = [annealing, early]
    model: Any = Model()
    with joined(model, ours, [annealing, early], None, None):
        theirs = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
        given = model.fit(np.zeros(3), callbacks=[annealing, [early, theirs]], initial_epoch=2)
        assert given["callbacks"] == [theirs, annealing, early]
        assert (given["batch_size"], given["epochs"]) == (None, 1)
        assert annealing.displaced == "fit() brings a LearningRateScheduler of its own"
        assert early.displaced is None
        assert annealing.initial_epoch == 2
        model.fit(callbacks=(keras.callbacks.EarlyStopping(), early))
        assert annealing.displaced is None
        assert annealing.initial_epoch == 0
        assert early.displaced == "fit() brings a EarlyStopping of its own"
        with pytest.raises(TypeError, match="multiple values"):
            model.fit(np.zeros(3), x=1)
    assert "fit" not in vars(model)


def test_arrays_get_the_studys_batch_size_and_a_fit_the_epochs_that_it_leaves_open() -> None:
    account = Account(["loss"], "minimize")
    model: Any = Model()
    with joined(model, [], [], 16, account, 5):
        given = model.fit(np.zeros(3), more=1)
        assert (given["batch_size"], given["epochs"], given["more"], account.batch_size) == (16, 5, 1, 16)
        given = model.fit(np.zeros(3), batch_size=4, epochs=2)
        assert (given["batch_size"], given["epochs"], account.batch_size) == (4, 2, 4)
        given = model.fit(iter([1]))
        assert (given["batch_size"], account.batch_size) == (None, None)


def test_a_model_is_changed_where_any_of_its_weights_is() -> None:
    model = SimpleNamespace(get_weights=lambda: [np.zeros(2), np.ones(2)])
    assert changed(None, model)
    assert changed([np.zeros(2), np.zeros(2)], model)
    assert not changed([np.zeros(2), np.ones(2)], model)
