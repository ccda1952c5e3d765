"""KerasTuner's grid as one study: every combination of values once, ten of a range that has no steps."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds
from optuna.distributions import CategoricalDistribution

from studyhall.search.bridge.defaults import default_of
from studyhall.search.bridge.distributions import parameter_of
from studyhall.search.bridge.parameter import Parameter
from studyhall.search.tuner.lenient import LenientHyperParameters
from studyhall.search.tuner.plan import Plan
from studyhall.studies.space.configurations import size_of, values_of
from studyhall.studies.values import Value

MOST_TRIALS = 10_000
"""With how many trials a study is made at most; a grid that has more gets them as it goes on."""


class GridHyperParameters(LenientHyperParameters):
    """A trial's hyperparameters, each drawn from finitely many values."""

    @staticmethod
    def parameter_of(hp: Any) -> Parameter | None:
        """Return the Optuna side of a hyperparameter: of a range without steps, ten values and its default.

        These are KerasTuner's ten, evenly spread in the hyperparameter's own sampling.
        """
        parameter = parameter_of(hp)
        if parameter is None or not _is_range(hp, parameter):
            return parameter
        default: Any = default_of(hp, parameter)
        others = {each for each in hp.values if not math.isclose(each, default)}
        return Parameter(CategoricalDistribution(tuple(sorted({default, *others}))))


class GridPlan(Plan):
    """Tries the whole grid; what is found in a trial only, such as in `fit`, is a part of it."""

    hyperparameters = GridHyperParameters
    grows = True

    def trials(self, space: keras_tuner.HyperParameters) -> int:
        """Return how many combinations the known hyperparameters have; no more than `MOST_TRIALS`."""
        return min(combinations(space.space), MOST_TRIALS)


def combinations(space: Sequence[Any]) -> int:
    """Return how many combinations of values there are; a conditional one counts where it is active.

    Args:
        space: The hyperparameters in their order, parents first.
    """
    names = [hp.name for hp in space]
    told = {condition.name for hp in space for condition in hp.conditions}
    # Which value these have decides what comes after them.
    decisive = told | {name for name in names if names.count(name) > 1}

    @functools.cache
    def below(index: int, values: frozenset[tuple[str, Value]]) -> int:
        if index == len(space):
            return 1
        hp, known = space[index], dict(values)
        if hp.name in known or not _is_active(hp, known):
            return below(index + 1, values)
        listed = _values(hp)
        if hp.name not in decisive:
            return len(listed) * below(index + 1, values)
        return sum(below(index + 1, values | {(hp.name, value)}) for value in listed)

    return below(0, frozenset())


def _is_active(hp: Any, values: Mapping[str, Value]) -> bool:
    return all(each.name in values and values[each.name] in each.values for each in hp.conditions)


def _values(hp: Any) -> Sequence[Value]:
    parameter = GridHyperParameters.parameter_of(hp)
    return [hp.value] if parameter is None else values_of(parameter.distribution)


def _is_range(hp: Any, parameter: Parameter) -> bool:
    by_factors = isinstance(hp, kinds.Int) and hp.sampling != "linear" and hp.step is None
    return by_factors or size_of(parameter.distribution) is None
