"""The setting of one hyperparameter: a value, a list of choices or a range, as a study's TOML gives it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studyhall.models.errors import ConfigurationError
from studyhall.models.rules import RULES, OneOf, Truth, Value, Whole


@dataclass(frozen=True)
class Fixed:
    """One value, recorded with the trial but not searched."""

    default: Value

    def register(self, hp: Any, name: str) -> Any:
        return hp.Fixed(name, self.default)


@dataclass(frozen=True)
class Choices:
    """Some values, of which the default is tried first."""

    values: tuple[Value, ...]
    default: Value

    def register(self, hp: Any, name: str) -> Any:
        if isinstance(self.default, bool):  # hp.Choice would turn it into 0 or 1
            return hp.Boolean(name, default=self.default)
        return hp.Choice(name, list(self.values), default=self.default)


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included; on a log scale a step is a factor, as in KerasTuner."""

    low: int | float
    high: int | float
    default: int | float
    step: int | float | None = None
    log: bool = False

    def register(self, hp: Any, name: str) -> Any:
        define = hp.Int if isinstance(self.low, int) else hp.Float
        sampling = "log" if self.log else "linear"
        return define(name, self.low, self.high, step=self.step, sampling=sampling, default=self.default)

    def holds(self, value: float) -> bool:
        """Whether a value can be drawn from the range."""
        if not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        steps = math.log(value / self.low, self.step) if self.log else (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)


Setting = Fixed | Choices | Range


def parse_setting(name: str, given: object, usual: Value) -> Setting:
    """Read one hyperparameter's setting.

    Args:
        name: A key of `RULES`.
        given: A value; a list of values; `{"values": [...], "default": ...}`; or `{"min": ..., "max": ...}`
            with any of "step", "log" and "default".
        usual: The default where none is given, if it is among the values; otherwise the first (or lowest) is.

    Raises:
        ConfigurationError: The setting is none of these, or holds a value that the hyperparameter cannot
            have.
    """
    if isinstance(given, Mapping):
        if "values" in given:
            _only(name, given, ("values", "default"))
            return _choices(name, given["values"], given.get("default"), usual)
        return _range(name, given, usual)
    if isinstance(given, Sequence) and not isinstance(given, str):
        return _choices(name, given, None, usual)
    return Fixed(RULES[name].check(name, given))


def _choices(name: str, given: object, default: object, usual: Value) -> Setting:
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise ConfigurationError(f"{name} has no values to choose from; give a list such as [{usual!r}]")
    values = tuple(dict.fromkeys(RULES[name].check(name, value) for value in given))
    if default is None:
        default = usual if usual in values else values[0]
    chosen = RULES[name].check(name, default)
    if chosen not in values:
        raise ConfigurationError(
            f"{name} has the default {default!r}, which is not one of its values; add it to them"
        )
    return Fixed(chosen) if len(values) == 1 else Choices(values, chosen)


def _range(name: str, given: Mapping[str, Any], usual: Value) -> Setting:
    rule = RULES[name]
    if isinstance(rule, OneOf | Truth):
        raise ConfigurationError(f"{name} cannot be a range; give one value or a list of them")
    _only(name, given, ("min", "max", "step", "log", "default"))
    if "min" not in given or "max" not in given:
        raise ConfigurationError(f"{name} needs both min and max, as in {{min = 1, max = 4}}")
    low, high = rule.check(name, given["min"]), rule.check(name, given["max"])
    log, step = given.get("log", False), given.get("step")
    Truth().check(f"{name}: log", log)
    if low >= high:
        raise ConfigurationError(f"{name} has min = {low} and max = {high}; min must be the smaller")
    if log and low <= 0:
        raise ConfigurationError(f"{name} has min = {low} on a log scale; use a min above 0, or log = false")
    smallest = 1 if log else 0
    if step is not None and (isinstance(step, bool) or not isinstance(step, int | float) or step <= smallest):
        raise ConfigurationError(f"{name} has step = {step!r}; use a number above {smallest}")
    if step is not None and isinstance(rule, Whole) and not isinstance(step, int):
        raise ConfigurationError(f"{name} has step = {step!r}; use a whole number")
    setting = Range(low, high, low, step, log)
    if "default" in given:
        default = rule.check(name, given["default"])
        if not setting.holds(default):
            raise ConfigurationError(
                f"{name} has the default {default}, which is outside its range; use one inside"
            )
        return Range(low, high, default, step, log)
    kind = int if isinstance(rule, Whole) else float
    return Range(low, high, kind(usual), step, log) if setting.holds(kind(usual)) else setting


def _only(name: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise ConfigurationError(f"{name} has an unknown key {key!r}; use {', '.join(known)}")
