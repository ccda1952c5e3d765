"""The bridge: KerasTuner's HyperParameters, whose values a trial gives as the model asks for them."""

from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine import hyperparameters as kinds

from studyhall.search.bridge.defaults import check_default, default_of, has_written_default
from studyhall.search.bridge.distributions import parameter_of
from studyhall.search.bridge.names import parameter_name
from studyhall.search.bridge.parameter import Parameter
from studyhall.search.bridge.scopes import NestingHyperParameters, nesting
from studyhall.search.core.handle import TrialHandle
from studyhall.studies.errors import DefinitionError, UserCodeError
from studyhall.studies.values import Value


class NewEntryError(UserCodeError, RuntimeError):
    """The model declares a hyperparameter that the given search space does not have; of KerasTuner's type."""


class TrialHyperParameters(NestingHyperParameters):
    """The hyperparameters of one trial, drawn when `build(hp)` or `fit(hp, ...)` first asks for them.

    A value comes from `handle.start.values` (by KerasTuner's name), else from the default that its author
    wrote if `handle.start.defaults` (or the implied one, if `handle.start.implied`), else from the study's
    sampler; a value that the trial holds already comes before all of them. A hyperparameter whose conditions
    are not met is None and leaves no trace in the study. `hp.values` holds what the model gets, `Fixed`
    included.

    Copies (`copy()`, `copy.deepcopy`, pickle) are `keras_tuner.HyperParameters` with the values so far, in
    which scopes nest as they do here: they know no trial, and give their default to what is new to them.

    Args:
        handle: The trial.
        preset: A space given beforehand, KerasTuner's `hyperparameters=`. An entry takes the place of what
            the model declares under the same name and conditions, and so can fix it or change its range. As
            in KerasTuner, the preset's `values` are not read.
        tune_new_entries: Whether what is not in `preset` is tuned; if not, it has its default.
        allow_new_entries: Whether the model may declare what is not in `preset` at all.

    Raises:
        UserCodeError: On declaring a hyperparameter from which nothing can be drawn, whose default is no
            value at all, that cannot be kept apart from another one, or that `allow_new_entries` forbids.
        DefinitionError: On a start value, or a sampler's proposal, that is not one of the hyperparameter's
            values.
    """

    def __init__(
        self,
        handle: TrialHandle,
        preset: keras_tuner.HyperParameters | None = None,
        *,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
    ) -> None:
        super().__init__()
        if preset is None and not (tune_new_entries and allow_new_entries):
            raise UserCodeError(
                "tune_new_entries=False and allow_new_entries=False need a search space: give hyperparameters=..."
            )
        self._handle = handle
        self._preset = NestingHyperParameters() if preset is None else nesting(preset)
        self._tune_new_entries = tune_new_entries
        self._allow_new_entries = allow_new_entries
        # Names and conditions of what has no default of its author's.
        self._unwritten: set[tuple[str, str]] = set()
        self._owners: dict[
            str, tuple[str, list[Any]]
        ] = {}  # Optuna's names: KerasTuner's names and conditions
        for hp in self._preset.space:
            self._register(hp)

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """Return hyperparameters without a trial: a config holds none."""
        return NestingHyperParameters.from_config(config)

    def __reduce__(self) -> Any:
        return NestingHyperParameters.from_config, (self.get_config(),)

    def Boolean(
        self, name: str, default: bool | None = None, parent_name: Any = None, parent_values: Any = None
    ) -> Any:
        """Return True or False, as KerasTuner's `Boolean`.

        Its signature tells a default of False from none.
        """
        with self._maybe_conditional_scope(parent_name, parent_values):
            hp = kinds.Boolean(self._get_name(name), default=bool(default), conditions=self._conditions)
            if default is None:
                self._unwritten.add(_identity(hp))
            return self._retrieve(hp)

    @staticmethod
    def parameter_of(hp: Any) -> Parameter | None:
        """Return the Optuna side of a hyperparameter, or None for `Fixed`."""
        return parameter_of(hp)

    def unused_start_values(self) -> tuple[str, ...]:
        """Return the names of start values that the model has not declared so far, active or not."""
        declared = {hp.name for hp in self.space}
        return tuple(name for name in self._handle.start.values if name not in declared)

    def _retrieve(self, hyperparameter: Any) -> Any:
        hp = hyperparameter
        for known in self._hps.get(hp.name, []):
            # Declared before its parent had a value: a preset's entry may be.
            if known.conditions == hp.conditions and self.is_active(known) and hp.name not in self.values:
                self.values[hp.name] = self._value_of(known)
        return super()._retrieve(hp)

    def _register(self, hyperparameter: Any, overwrite: bool = False) -> Any:
        hp = hyperparameter
        self._validate_name(hp.name)
        if not self._allow_new_entries and self._is_new(hp):
            raise NewEntryError(
                f"the hyperparameter '{hp.name}' is not in the given search space and `allow_new_entries` is `False`: "
                "add it to hyperparameters=..., or allow new entries"
            )
        if (parameter := self.parameter_of(hp)) is not None:
            check_default(hp, parameter)  # in the first trial, whatever that draws
            if not has_written_default(hp):
                self._unwritten.add(_identity(hp))  # which KerasTuner's copy of a Choice does not tell
        if self.is_active(hp):
            self.values[hp.name] = self._value_of(hp)
        # Never `overwrite`: that would replace a trial's value by a default.
        return super()._register(hp)

    def _is_new(self, hp: Any) -> bool:
        return not self._preset._exists(hp.name, hp.conditions)

    def _value_of(self, hp: Any) -> Value:
        parameter = self.parameter_of(hp)
        if hp.name in self.values:
            return self._shared(hp, parameter)
        if parameter is None:
            return self._settled(hp, hp.value, "fixed")
        default = default_of(hp, parameter)
        if not self._tune_new_entries and self._is_new(hp):
            return self._settled(hp, default, "not tuned")
        return self._drawn(hp, parameter, default)

    def _shared(self, hp: Any, parameter: Parameter | None) -> Value:
        # KerasTuner keeps one value per name, so a name that is active twice has the same value twice.
        value = self.values[hp.name]
        shared = parameter.legal(value) if parameter else hp.value if hp.value == value else None
        if shared is None:
            legal = parameter.range() if parameter else repr(hp.value)
            raise UserCodeError(
                f"the hyperparameter '{hp.name}' is active twice, and its value {value!r} is not among those of the "
                f"second: {legal}; give the two different names"
            )
        return shared

    def _settled(self, hp: Any, value: Value, how: str) -> Value:
        start = self._handle.start.values
        if hp.name in start and start[hp.name] != value:
            raise DefinitionError(
                f"the hyperparameter '{hp.name}' cannot start at {start[hp.name]!r}: it is {how}, at {value!r}"
            )
        return value

    def _drawn(self, hp: Any, parameter: Parameter, default: Value) -> Value:
        name = parameter_name(hp, parameter)
        if self._owners.setdefault(name, (hp.name, hp.conditions)) != (hp.name, hp.conditions):
            raise UserCodeError(f"two hyperparameters would both be stored as '{name}': rename one of them")
        wanted = self._wanted(hp, parameter, default)
        asked = None if wanted is None else parameter.stored(wanted)
        try:
            stored = self._handle.suggest(name, parameter.distribution, asked)
        except ValueError as error:
            raise UserCodeError(
                f"the hyperparameter '{hp.name}' is not what it was in an earlier trial ({' '.join(str(error).split())}): keep its "
                "kind and choices the same in all trials of a study, give it another name, or begin another study"
            ) from error
        if wanted is not None and stored == asked:
            return wanted  # To the last digit, which a reflection may lose.
        value = parameter.value(stored)
        if value is None:
            raise DefinitionError(
                f"the study proposes {stored!r} for '{name}', which is not among its values: {parameter.range()}; "
                "check the sampler's options, and that the model's code is the one the trial was started with"
            )
        return value

    def _wanted(self, hp: Any, parameter: Parameter, default: Value) -> Value | None:
        start = self._handle.start
        if hp.name not in start.values:
            written = start.implied or _identity(hp) not in self._unwritten
            return default if start.defaults and written else None
        wanted = parameter.legal(start.values[hp.name])
        if wanted is None:
            raise DefinitionError(
                f"the hyperparameter '{hp.name}' cannot start at {start.values[hp.name]!r}: its values are "
                f"{parameter.range()}"
            )
        return wanted


def _identity(hp: Any) -> tuple[str, str]:
    return hp.name, repr([condition.get_config() for condition in hp.conditions])


def recorded_values(hp: keras_tuner.HyperParameters) -> dict[str, Value]:
    """Return the values of the active hyperparameters, `Fixed` included, as JSON can keep them."""
    return {
        name: value.item() if isinstance(value, np.generic) else value for name, value in hp.values.items()
    }


def plain_hyperparameters(values: Mapping[str, Value]) -> keras_tuner.HyperParameters:
    """Return KerasTuner's HyperParameters, with which `build(hp)` gives the model of the recorded `values`.

    Conditional hyperparameters follow from their parents' values. What `values` does not hold has its
    default.
    """
    hp = NestingHyperParameters()
    hp.values = dict(values)
    return hp
