"""The default of a hyperparameter, which its author may have written beside its values."""

import inspect
import math
import warnings
from typing import Any

from keras_tuner.engine import hyperparameters as kinds

from studyhall.search.bridge.distributions import refused
from studyhall.search.bridge.parameter import Parameter
from studyhall.studies.values import Value

_NOT_THE_AUTHORS = ("studyhall", "keras_tuner")  # packages whose lines a warning does not point at


def default_of(hp: Any, parameter: Parameter) -> Value:
    """Return the value that the default configuration has: of a default beside the values, the nearest.

    KerasTuner's implied default of a number is its minimum; where a reverse_log grid does not hold it, the
    grid's smallest value takes its place.

    Raises:
        UserCodeError: The default is no number, where the values are numbers.
    """
    default = hp.default
    value = parameter.legal(default)
    if value is not None:
        return value
    number = isinstance(default, int | float) and not isinstance(default, bool) and math.isfinite(default)
    if number and isinstance(hp, kinds.Int | kinds.Float):
        return parameter.nearest(default)
    raise refused(hp, f"has the default {default!r}, which is not among its values: {parameter.range()}")


def has_written_default(hp: Any) -> bool:
    """Whether a hyperparameter was given a default, as far as it tells: a Boolean always has one."""
    return not isinstance(hp, kinds.Int | kinds.Float | kinds.Choice) or hp._default is not None


def check_default(hp: Any, parameter: Parameter) -> None:
    """Refuse a default that is no value at all, and warn of one that is not among the values.

    Raises:
        UserCodeError: As for `default_of`.
    """
    default = default_of(hp, parameter)
    if has_written_default(hp) and parameter.legal(hp.default) is None:
        warnings.warn(
            f"the hyperparameter '{hp.name}' has the default {hp.default!r}, which is not among its values: "
            f"{parameter.range()}; its default is {default!r} here",
            UserWarning,
            stacklevel=_authors_level(),
        )


def _authors_level() -> int:
    """Return how far up the stack, counted from the caller, the line is that declares the hyperparameter."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_NOT_THE_AUTHORS):
        frame, level = frame.f_back, level + 1
    return level
