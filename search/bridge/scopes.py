"""KerasTuner's HyperParameters whose conditional scopes nest freely."""

from collections.abc import Sequence
from typing import Any

import keras_tuner

from studyhall.search.bridge.choices import require_choices


class NestingHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]
    """KerasTuner's hyperparameters, where a scope finds a parent that was declared outside the scopes around.

    KerasTuner looks for a scope's parent among what has exactly the conditions of the scopes around, so that
    a scope inside a scope on the same parent, or on a parent declared before both, ends in its ValueError.
    Here it is enough that the parent is active wherever the scopes around are. Copies are of this class, too.
    """

    def copy(self) -> "NestingHyperParameters":
        """Return a copy that has the space and the values so far, and nothing else of this object."""
        return nesting(self)

    def Choice(self, name: str, values: Any, *args: Any, **kwargs: Any) -> Any:
        """Return one of some values, as KerasTuner's `Choice`.

        Raises:
            ChoiceValuesError: KerasTuner cannot keep such values.
        """
        require_choices(name, values)
        return super().Choice(name, values, *args, **kwargs)

    def _register(self, hyperparameter: Any, overwrite: bool = False) -> Any:
        value = super()._register(hyperparameter, overwrite)
        _leave_unwritten([hyperparameter], self._space[-1:])
        return value

    def _exists(self, name: str, conditions: Any = None) -> bool:
        # Only `conditional_scope` leaves the conditions out, to look for its parent.
        if conditions is not None:
            return bool(super()._exists(name, conditions))
        return any(_follow(known.conditions, self._conditions) for known in self._hps.get(name, []))


def nesting(hp: keras_tuner.HyperParameters) -> NestingHyperParameters:
    """Return a copy of hyperparameters in which scopes nest freely."""
    copied: NestingHyperParameters = NestingHyperParameters.from_config(hp.get_config())
    _leave_unwritten(hp.space, copied.space)
    return copied


def _leave_unwritten(originals: Sequence[Any], copies: Sequence[Any]) -> None:
    """Leave the default open in a copy where its original's author wrote none: KerasTuner fills it in."""
    for original, copy in zip(originals, copies, strict=True):
        if getattr(original, "_default", copy) is None:
            copy._default = None


def _follow(conditions: Any, given: Any) -> bool:
    """Whether conditions are met wherever the given ones are."""
    return all(
        any(other.name == each.name and set(other.values) <= set(each.values) for other in given)
        for each in conditions
    )
