"""What Keras reports of an epoch, as values that JSON, databases and other processes take."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

LogValue = float | list[Any]
"""A number; or, of a metric that has several values an epoch, nested lists of numbers."""


def log_value(value: Any) -> LogValue | None:
    """Return a reported value as a float, or as nested lists if it has several.

    It returns None if it is no number at all.

    True and False are none: whoever reports them has compared what was to be reported.

    Args:
        value: A number, or an array or tensor of any shape; an array of one number counts as that number.
    """
    if value is None or isinstance(value, str | bytes):
        return None
    try:
        array = np.asarray(keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else value)
        if array.dtype.kind == "b":
            return None
        numbers = array.astype(float)
    except (TypeError, ValueError):
        return None
    if numbers.size == 1:
        return float(numbers.reshape(()))
    values: list[Any] = numbers.tolist()
    return values


def log_values(logs: Mapping[str, Any] | None) -> dict[str, LogValue]:
    """Return the logs of an epoch without what is no number."""
    values = {name: log_value(value) for name, value in (logs or {}).items()}
    return {name: value for name, value in values.items() if value is not None}


def number_in(logs: Mapping[str, Any] | None, name: str) -> float | None:
    """Return one reported number; None where it is not reported, or is no single number."""
    value = log_value((logs or {}).get(name))
    return value if isinstance(value, float) else None
