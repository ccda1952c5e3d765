"""What a script's model asks for, as far as that is known before its trials.

A script may be edited and go on with its study.
"""

from collections.abc import Callable
from typing import Any

import keras_tuner
from optuna.distributions import BaseDistribution

from studyhall.search.bridge.names import parameter_name
from studyhall.search.bridge.parameter import Parameter


def asked_of(
    hp: keras_tuner.HyperParameters, parameter_of: Callable[[Any], Parameter | None]
) -> dict[str, BaseDistribution]:
    """Return the parameters of a search space by their names in the study, and what each is drawn from.

    Args:
        hp: The search space.
        parameter_of: Returns the Optuna side of one hyperparameter, None for a fixed one.
    """
    found = {}
    for each in hp.space:
        parameter = parameter_of(each)
        if parameter is not None:
            found[parameter_name(each, parameter)] = parameter.distribution
    return found
