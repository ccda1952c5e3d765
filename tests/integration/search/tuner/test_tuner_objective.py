"""A Tuner's objective in all of KerasTuner's forms, and what the returned results come to."""

from typing import Any

import keras
import keras_tuner
import pytest

from studyhall.search.tuner.objective import as_tables, make_objective, mean_result_of
from studyhall.studies.errors import UserCodeError


def history(**metrics: list[float]) -> Any:
    """What `fit` returned after some epochs."""
    made = keras.callbacks.History()
    made.history = metrics
    return made


@pytest.mark.parametrize(
    ("given", "tables"),
    [
        ("val_loss", [("val_loss", "minimize")]),
        ("val_accuracy", [("val_accuracy", "maximize")]),
        (keras_tuner.Objective("val_f", "max"), [("val_f", "maximize")]),
        (None, [("default_objective", "minimize")]),
        (["val_loss"], [("val_loss", "minimize")]),
        (
            ["val_loss", "parameters", keras_tuner.Objective("val_f", "max")],
            [("val_loss", "minimize"), ("parameters", "minimize"), ("val_f", "maximize")],
        ),
    ],
)
def test_every_form_of_an_objective_is_understood(given: Any, tables: list[tuple[str, str]]) -> None:
    assert [(each["metric"], each["direction"]) for each in as_tables(make_objective(given))] == tables


def test_a_metric_of_unknown_direction_is_refused_with_the_remedy() -> None:
    with pytest.raises(UserCodeError, match=r'keras_tuner.Objective\(\'val_f\', "min"\)'):
        make_objective("val_f")
    with pytest.raises(UserCodeError, match="not understood, it is a int: give"):
        make_objective(3)
    with pytest.raises(UserCodeError, match="name at least one metric"):
        make_objective([])


def test_the_result_of_a_history_is_its_best_epoch() -> None:
    result = mean_result_of(
        history(loss=[3.0, 2.0, 1.0], val_loss=[2.0, 1.0, 1.5]), make_objective("val_loss"), "fit()"
    )
    assert result.values == [1.0]
    assert result.metrics == {"loss": 2.0, "val_loss": 1.0}
    assert result.best_epoch == 2


def test_the_result_of_several_executions_is_their_mean_and_the_best_ones_history() -> None:
    objective = keras_tuner.Objective("val_f", "max")
    result = mean_result_of([history(val_f=[1.0, 2.0]), history(val_f=[4.0, 0.0])], objective, "fit()")
    assert result.values == [3.0]
    assert result.history == {"val_f": [4.0, 0.0]}


def test_the_first_of_several_objectives_decides_which_epoch_is_the_best() -> None:
    objective = make_objective([keras_tuner.Objective("val_f", "max"), "parameters"])
    result = mean_result_of(history(val_f=[1.0, 5.0, 2.0], parameters=[7, 7, 7]), objective, "fit()")
    assert result.values == [5.0, 7.0]
    assert objective.get_value(result.metrics) == -5.0  # the smaller the better, as KerasTuner sorts


@pytest.mark.parametrize(
    ("returned", "value"), [(0.5, 0.5), (2, 2.0), ({"val_loss": 0.5, "other": 1}, 0.5), ([1.0, 2.0], 1.5)]
)
def test_numbers_and_dictionaries_are_results_too(returned: Any, value: float) -> None:
    assert mean_result_of(returned, make_objective("val_loss"), "run_trial()").values == [value]


@pytest.mark.parametrize(
    ("returned", "wanted"),
    [
        (None, r"run_trial\(\) returned None. Did you forget to return the metrics"),
        (True, r"returned True"),
        ("0.5", "returned a str"),
        ([], "empty list"),
        ({"loss": 1.0}, "returned no 'val_loss', which is the objective; it returned: loss"),
    ],
)
def test_what_is_no_result_ends_the_search(returned: Any, wanted: str) -> None:
    with pytest.raises(keras_tuner.errors.FatalError, match=wanted):
        mean_result_of(returned, make_objective("val_loss"), "run_trial()")


def test_one_number_cannot_be_the_result_of_two_objectives() -> None:
    with pytest.raises(keras_tuner.errors.FatalTypeError, match="one number for 2 objectives"):
        mean_result_of(0.5, make_objective(["val_loss", "parameters"]), "run_trial()")
