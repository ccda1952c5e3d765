"""An Optuna parameter for a hyperparameter: which values are legal, and what is stored for them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from studyhall.studies.values import Value

OFF_GRID = 1e-8  # of a step: what float arithmetic may move a value by; Optuna's own figure


@dataclass(frozen=True)
class Parameter:
    """The Optuna side of a hyperparameter; see `studyhall.search.bridge.distributions` for which is which.

    `reflection`, where there is one, is max + min: the stored number is `reflection - value`.
    """

    distribution: BaseDistribution
    reflection: float | None = None

    def legal(self, value: object) -> Value | None:
        """Return `value` in the hyperparameter's type, or None if it is not one of its values."""
        if isinstance(value, np.generic):
            value = value.item()
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return _same_choice(choices, value)
            case IntDistribution(low=low, high=high, step=step):
                return _whole(value, low, high, step)
            case FloatDistribution(low=low, high=high, step=step):
                return _number(value, low, high, step)
        raise TypeError(f"no hyperparameter has a {type(self.distribution).__name__}")

    def nearest(self, number: float) -> Value:
        """Return the value that is nearest to a number, the smaller one of two; all values are numbers."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                numbers: tuple[Any, ...] = choices
                nearest: Value = min(numbers, key=lambda each: (abs(each - number), each))
                return nearest
            case (
                IntDistribution(low=low, high=high, step=step)
                | FloatDistribution(low=low, high=high, step=step)
            ):
                inside = min(max(number, low), high)
                on_grid = low + math.ceil((inside - low) / step - 0.5) * step if step else inside
                value = self.legal(min(on_grid, high))
                if value is not None:
                    return value
        raise TypeError(f"{number!r} is near no value of {self.distribution!r}")

    def stored(self, value: Value) -> Value:
        """Return what Optuna stores for a legal value."""
        stored: Value = self._clipped(self._reflected(value))
        return stored

    def value(self, stored: object) -> Value | None:
        """Return the hyperparameter's value for what Optuna stores or proposes; None if it is not legal."""
        number = self.legal(stored)
        return None if number is None else self._clipped(self._reflected(number))

    def range(self) -> str:
        """The legal values, in words."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return _listed(choices)
            case IntDistribution(low=low, high=high, step=step):
                return f"integers from {low} to {high}" + (f" in steps of {step}" if step > 1 else "")
            case FloatDistribution(low=low, high=high, step=step):
                return f"numbers from {low} to {high}" + (f" in steps of {step}" if step else "")
        raise TypeError(f"no hyperparameter has a {type(self.distribution).__name__}")

    def _reflected(self, number: Any) -> Any:
        return number if self.reflection is None else self.reflection - number

    def _clipped(self, number: Any) -> Any:
        # Floats leave their range by a rounding, in KerasTuner's arithmetic too; Optuna must not see that.
        if isinstance(self.distribution, FloatDistribution):
            return min(max(number, self.distribution.low), self.distribution.high)
        return number


def _same_choice(choices: tuple[Any, ...], value: object) -> Value | None:
    choice: Value
    for choice in choices:
        if choice == value:
            return choice
    for choice in choices:  # a float that was printed with fewer digits
        if isinstance(value, float) and isinstance(choice, float) and math.isclose(choice, value):
            return choice
    return None


def _whole(value: object, low: int, high: int, step: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value) if low <= value <= high and (int(value) - low) % step == 0 else None


def _number(value: object, low: float, high: float, step: float | None) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    slack = 4 * math.ulp(max(abs(low), abs(high)))
    if not low - slack <= number <= high + slack:
        return None
    if step:
        steps = (number - low) / step
        if abs(steps - round(steps)) > OFF_GRID + 4 * math.ulp(steps):
            return None
    return number


def _listed(choices: tuple[Any, ...], most: int = 10) -> str:
    shown = ", ".join(map(repr, choices[:most]))
    return shown if len(choices) <= most else f"{shown}, ... {choices[-1]!r} ({len(choices)} in all)"
