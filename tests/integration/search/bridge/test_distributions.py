"""Where one kind of distribution ends and another begins, or a refusal."""

import pytest
from keras_tuner.engine import hyperparameters as kinds
from optuna.distributions import CategoricalDistribution, FloatDistribution

from studyhall.search.bridge.distributions import LARGEST_GRID, parameter_of
from studyhall.studies.errors import UserCodeError


def test_grid_that_does_not_begin_at_a_multiple_of_its_step_stays_a_range() -> None:
    parameter = parameter_of(kinds.Float("rate", 0.03, 0.93, step=0.1))
    assert parameter is not None
    assert parameter.distribution == FloatDistribution(0.03, 0.93, step=0.1)


def test_choice_may_have_as_many_values_as_a_study_can_hold_and_no_more() -> None:
    parameter = parameter_of(kinds.Choice("size", list(range(LARGEST_GRID))))
    assert parameter is not None
    assert isinstance(parameter.distribution, CategoricalDistribution)
    assert len(parameter.distribution.choices) == LARGEST_GRID
    with pytest.raises(UserCodeError, match="more than 1000 values"):
        parameter_of(kinds.Choice("size", list(range(LARGEST_GRID + 1))))


def test_step_that_cannot_tell_its_values_apart_is_refused() -> None:
    too_many = 1.5 * 2**53  # Optuna keeps numbers as floats, which have 53 bits
    with pytest.raises(UserCodeError, match="leave the step out"):
        parameter_of(kinds.Float("rate", 0.0, 1.0, step=1 / too_many))
