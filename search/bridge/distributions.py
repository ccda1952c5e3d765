"""One KerasTuner hyperparameter as one Optuna parameter: its distribution, and the way between their values.

| KerasTuner                       | Optuna's parameter                          |
|----------------------------------|---------------------------------------------|
| `Fixed`                          | none                                        |
| `Boolean`                        | categorical: False, True                    |
| `Choice`                         | categorical: the choices, in their order    |
| `Int` linear                     | int with the step, its top on the grid      |
| `Int` log, without a step        | int, log                                    |
| `Float` linear                   | float with the step, its top on the grid    |
| `Float` log, without a step      | float, log                                  |
| log or reverse_log with a step   | categorical: the values of the grid         |
| reverse_log without a step       | u, log, with value = max + min - u          |

An Optuna parameter holds what the model gets, so that people read real values everywhere. The one exception
is reverse_log without a step, for which Optuna has no distribution: the parameter's name says how to read it,
as in "momentum (1.089 - value)", and the trial records the value itself.

A value is legal when KerasTuner's documentation says so: from min to max, both included, on the grid of the
step. KerasTuner's own draws lose the top of some grids to float division (`Float("x", 0, 1, step=0.1)` ends
at 0.9); here 1.0 is proposed and accepted.
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
from keras_tuner.engine import hyperparameters as kinds
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from studyhall.search.bridge.parameter import OFF_GRID, Parameter
from studyhall.studies.errors import UserCodeError

LARGEST_GRID = 1000  # values; a categorical distribution is stored with every trial
LARGEST_INT = 2**53  # Optuna keeps numbers as floats: beyond this, neighbours are one


def parameter_of(hp: Any) -> Parameter | None:
    """Return the Optuna side of a KerasTuner hyperparameter, or None for `Fixed`.

    Raises:
        UserCodeError: KerasTuner accepts the hyperparameter, but nothing can be drawn from it.
    """
    match hp:
        case kinds.Fixed():
            return None
        case kinds.Boolean():
            return Parameter(CategoricalDistribution((False, True)))
        case kinds.Choice():
            return Parameter(_categorical(hp, hp.values))
        case kinds.Int() | kinds.Float():
            _check_numbers(hp)
            if hp.sampling == "linear":
                return Parameter(_linear(hp))
            if hp.step is not None:
                return Parameter(_categorical(hp, sorted(_powers(hp))))
            reflection = hp.max_value + hp.min_value if hp.sampling == "reverse_log" else None
            return Parameter(_kind(hp)(hp.min_value, hp.max_value, log=True), reflection)
    raise refused(hp, f"is a {type(hp).__name__}: use Int, Float, Choice, Boolean or Fixed")


def _linear(hp: Any) -> BaseDistribution:
    low, high, step = hp.min_value, hp.max_value, hp.step
    if isinstance(hp, kinds.Int):
        return IntDistribution(low, low + (high - low) // step * step, step=step)
    if step is None:
        return FloatDistribution(low, high)
    if (high - low) / step > LARGEST_INT:
        raise refused(hp, f"has the step {step}, too small to tell its values apart: leave the step out")
    # Optuna reads the three numbers as the decimals that people see, warns unless the top is exactly on the
    # grid, and does so again whenever a storage is read. Steps like 1/7 have no such top.
    first, pace = Decimal(str(low)), Decimal(str(float(step)))
    count = int((Decimal(str(high)) - first) // pace)
    top = float(first + count * pace)
    keras_tuner_count = int((high - low) // step)
    if (Decimal(str(top)) - first) % pace == 0 and count >= keras_tuner_count:
        return FloatDistribution(low, top, step=step)
    count = min(max(count, keras_tuner_count), LARGEST_GRID)
    return _categorical(hp, [min(low + index * step, high) for index in range(count + 1)])


def _powers(hp: Any) -> set[int] | set[float]:
    # min, min * step, min * step**2, ... up to max; in reverse_log, counted down from max.
    low, high, step = hp.min_value, hp.max_value, hp.step
    factors: Iterable[float]
    if isinstance(hp, kinds.Int):
        factors = _integer_powers(step, high // low)
    else:
        count = int(math.log(high / low, step) + OFF_GRID)  # KerasTuner's own, tolerance included
        factors = (math.pow(step, index) for index in range(min(count, LARGEST_GRID) + 1))
    values = [low * factor if hp.sampling == "log" else high + low - low * factor for factor in factors]
    return {min(max(value, low), high) for value in values}  # Rounding must not leave the range.


def _integer_powers(step: int, largest: int) -> Iterable[int]:
    power = 1
    while power <= largest:
        yield power
        power *= step


def _kind(hp: Any) -> type[IntDistribution] | type[FloatDistribution]:
    return IntDistribution if isinstance(hp, kinds.Int) else FloatDistribution


def _categorical(hp: Any, values: Iterable[Any]) -> CategoricalDistribution:
    # A float or str of NumPy's is also one of Python's, but prints itself as NumPy's.
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    if any(isinstance(value, float) and math.isnan(value) for value in plain):
        raise refused(hp, "has the value nan, which equals nothing: remove it")
    if len(plain) > LARGEST_GRID:
        raise refused(hp, f"has more than {LARGEST_GRID} values to choose from: take a larger step, or none")
    return CategoricalDistribution(tuple(dict.fromkeys(plain)))


def _check_numbers(hp: Any) -> None:
    low, high = hp.min_value, hp.max_value
    if isinstance(hp, kinds.Int) and max(abs(low), abs(high)) > LARGEST_INT:
        raise refused(hp, f"goes from {low} to {high}: integers must stay within 2**53, so tune an exponent")
    if not math.isfinite(high - low if hp.sampling == "linear" else high / low):
        raise refused(hp, f"goes from {low} to {high}: its range must be finite")
    if hp.step is not None and not 0 < hp.step < math.inf:
        raise refused(hp, f"has the step {hp.step}: a step must be greater than 0 and finite")


def refused(hp: Any, complaint: str) -> UserCodeError:
    """Return the error that says what is wrong with a hyperparameter."""
    return UserCodeError(f"the hyperparameter '{hp.name}' {complaint}")
