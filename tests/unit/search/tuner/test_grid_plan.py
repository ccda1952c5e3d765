"""How large KerasTuner's grid is."""

from collections.abc import Callable
from typing import Any

import keras_tuner
import pytest

from studyhall.search.tuner.grid_plan import MOST_TRIALS, GridPlan


def nothing(hp: Any) -> None:
    """Declare nothing."""


def listed(hp: Any) -> None:
    hp.Choice("units", [2, 4])
    hp.Boolean("dropout", default=True)
    hp.Choice("optimizer", ["adam", "sgd", "rmsprop"])
    hp.Fixed("loss", "mse")
    hp.Int("layers", 1, 5, step=2)


def ranges(hp: Any) -> None:
    hp.Float("within_the_ten", 0.0, 1.0, default=0.05)
    hp.Float("its_minimum_is_no_one_of_the_ten", 1.0, 2.0)
    hp.Int("log", 1, 1000, sampling="log", default=1)


def conditional(hp: Any) -> None:
    hp.Choice("kind", ["cnn", "mlp", "none"])
    with hp.conditional_scope("kind", ["cnn"]):
        hp.Choice("filters", [8, 16])
        hp.Boolean("pool")
        with hp.conditional_scope("pool", [True]):
            hp.Choice("size", [2, 3, 4])
    with hp.conditional_scope("kind", ["mlp"]):
        hp.Int("units", 1, 4)
    hp.Boolean("last")


def shared_name(hp: Any) -> None:
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("depth", 1, 2)
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("depth", 1, 5)


def endless(hp: Any) -> None:
    for number in range(40):
        hp.Int(f"units_{number}", 1, 100)


@pytest.mark.parametrize(
    ("declare", "trials"),
    [
        (nothing, 1),
        (listed, 2 * 2 * 3 * 3),
        (ranges, 10 * 11 * 10),
        # cnn: 2 filters, without a pool or with one of 3 sizes; mlp: 4; none: 1.
        (conditional, (2 * (1 + 3) + 4 + 1) * 2),
        (shared_name, 2 + 5),
        (endless, MOST_TRIALS),
    ],
)
def test_a_grid_has_one_trial_for_each_combination_that_can_be_active(
    declare: Callable[[Any], None], trials: int
) -> None:
    hp = keras_tuner.HyperParameters()
    declare(hp)
    assert GridPlan().trials(hp) == trials
