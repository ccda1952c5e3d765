"""KerasTuner's Hyperband as a number of trials and as Optuna's pruner."""

import keras_tuner
import pytest

from studyhall.search.tuner.hyperband_plan import HyperbandPlan


@pytest.mark.parametrize("max_epochs", [1, 2, 3, 5, 9, 10, 27, 40, 81, 100])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_as_many_configurations_are_begun_as_by_kerastuners_brackets(max_epochs: int, factor: int) -> None:
    theirs = keras_tuner.oracles.HyperbandOracle("val_loss", max_epochs=max_epochs, factor=factor)
    begun = sum(theirs._get_size(bracket, 0) for bracket in range(theirs._get_num_brackets()))
    assert HyperbandPlan(max_epochs, factor, 1).trials(keras_tuner.HyperParameters()) == begun
    assert HyperbandPlan(max_epochs, factor, 3).trials(keras_tuner.HyperParameters()) == 3 * begun


def test_rungs_are_those_of_max_epochs_and_factor() -> None:
    assert HyperbandPlan(9, 3, 1).pruner()["options"] == {
        "min_resource": 1,
        "max_resource": 9,
        "reduction_factor": 3,
    }


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((9, 1, 1), "factor needs to be a int larger than 1"),
        ((0, 3, 1), "a trial trains 1 epoch at least"),
        ((9, 3, -1), "give 1 or more"),
    ],
)
def test_what_no_search_can_do_is_a_value_error_as_in_kerastuner(
    arguments: tuple[int, int, int], wanted: str
) -> None:
    with pytest.raises(ValueError, match=wanted):
        HyperbandPlan(*arguments)
