"""The names under which hyperparameters are stored in a study, where people read them."""

import hashlib
import re
from typing import Any

import numpy as np

from studyhall.search.bridge.parameter import Parameter

LONGEST = 250  # characters; Optuna's SQL column holds 512


def parameter_name(hp: Any, parameter: Parameter) -> str:
    """Return the name under which a hyperparameter's Optuna parameter is stored.

    It depends on the hyperparameter alone, so that all workers agree whatever they have met before:
    KerasTuner's name with its scopes, then the conditions, then how to read a parameter that does not hold
    the value itself, as in "cnn/momentum [model=cnn, norm=True] (1.089 - value)". A name too long for a
    storage ends in a digest.
    """
    name = str(hp.name)
    if hp.conditions:
        name += f" [{', '.join(map(_condition, hp.conditions))}]"
    if parameter.reflection is not None:
        name += f" ({_figure(parameter.reflection)} - value)"
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 14]}... {hashlib.sha256(name.encode()).hexdigest()[:10]}"


def _condition(condition: Any) -> str:
    return f"{condition.name}={'|'.join(map(_word, condition.values))}"


def _word(value: Any) -> str:
    # Quotes only where a text could be taken for something else: "True", "1", "a|b".
    if isinstance(value, np.generic):
        value = value.item()
    plain = (
        isinstance(value, str) and re.fullmatch(r"[^\W\d][\w./+-]*", value) and value not in {"True", "False"}
    )
    return str(value) if plain else repr(value)


def _figure(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.6g}"
