"""What a script's model asks for, as far as that is known before its trials.

A script may be edited and go on with its study.
"""

import keras_tuner
from optuna.distributions import BaseDistribution

from studyhall.search.bridge.distributions import parameter_of
from studyhall.search.bridge.names import parameter_name


def asked_of(hp: keras_tuner.HyperParameters) -> dict[str, BaseDistribution]:
    """Return the parameters of a search space by their names in the study, and what each is drawn from."""
    found = {}
    for each in hp.space:
        parameter = parameter_of(each)
        if parameter is not None:
            found[parameter_name(each, parameter)] = parameter.distribution
    return found
