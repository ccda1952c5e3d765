"""What a `Choice` may choose among, and what to write where it may not."""

from collections.abc import Iterable
from typing import Any

from keras_tuner.engine import hyperparameters as kinds

from studyhall.studies.errors import UserCodeError

_SHOWN = 4  # choices


class ChoiceValuesError(UserCodeError, TypeError):
    """A `Choice` of what KerasTuner cannot keep: None, tuples, functions, or values of several types."""


def require_choices(name: str, values: Any) -> None:
    """Refuse choices of a type that KerasTuner refuses.

    Args:
        name: The hyperparameter's.
        values: Its choices.

    Raises:
        ChoiceValuesError: They are so; the message says what to write.
    """
    try:
        kinds.Choice(name, values)
    except TypeError:
        numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
        advice = f"hp.Choice({name!r}, [{_listed(values, float if numbers else _name)}])"
        raise ChoiceValuesError(
            f"the hyperparameter '{name}' has the choices {_listed(values, _shown)}, and a Choice takes strings, "
            f"numbers or booleans, all of one type: write {advice}"
            + ("" if numbers else ", and look up in build what each name stands for")
        ) from None
    except ValueError:
        return  # which KerasTuner says well enough


def _listed(values: Iterable[Any], shown: Any) -> str:
    every = [f"{shown(each)!r}" if shown is not _shown else _shown(each) for each in values]
    return ", ".join([*every[:_SHOWN], "..."] if len(every) > _SHOWN else every)


def _name(value: Any) -> str:
    return "none" if value is None else _shown(value).strip("'")


def _shown(value: Any) -> str:
    return str(getattr(value, "__name__", repr(value)))
