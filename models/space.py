"""The space of networks: each hyperparameter's setting, from defaults, a preset and a study's arguments."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from studyhall.did_you_mean import did_you_mean
from studyhall.models.architecture import Architecture
from studyhall.models.errors import ConfigurationError
from studyhall.models.presets import find_preset
from studyhall.models.rules import FREE_HEADS, MIXES, RULES, OneOf, Value
from studyhall.models.settings import Choices, Fixed, Setting, parse_setting

# The first trial of a space: good without any search.
USUAL: Mapping[str, Value] = MappingProxyType(
    Architecture().hyperparameters() | {"output_activation": "sigmoid", "learning_rate": 5e-3}
)
# What is searched when a study says nothing. What is missing here keeps its usual value.
SEARCHED: Mapping[str, object] = MappingProxyType(
    {
        "filters": [8, 16, 32, 64],
        "pools": {"min": 1, "max": 3},
        "convolutions": {"min": 1, "max": 3},
        "activation": ["relu", "leaky_relu", "silu", "gelu"],
        "normalisation": ["batch", "none"],
        "upsampling": ["transposed-2x2", "transposed-3x3", "nearest", "bilinear"],
        "head": ["consistent", "independent", "depthwise"],
        "output_activation": ["sigmoid", "relu", "linear"],
        "learning_rate": {"min": 3e-4, "max": 1e-2, "log": True},
    }
)
# Hyperparameters that mean something for some values of another only.
CONDITIONS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {"momentum": ("normalisation", ("batch",)), "output_activation": ("head", FREE_HEADS)}
)


@dataclass(frozen=True)
class Point:
    """One network of a space and how fast it learns."""

    architecture: Architecture
    learning_rate: float


@dataclass(frozen=True)
class Space:
    """Every network that a study may try."""

    mix: str
    settings: Mapping[str, Setting]

    def draw(self, hp: Any) -> Point:
        """Declare each hyperparameter to KerasTuner's `HyperParameters`; return the network of its values."""
        values: dict[str, Any] = {}
        for name, setting in self.settings.items():
            with self._condition(hp, name, values) as applies:
                value = setting.register(hp, name) if applies else None
            if value is not None:
                values[name] = value
        learning_rate = float(values.pop("learning_rate"))
        return Point(Architecture(mix=self.mix, **values), learning_rate)

    @contextlib.contextmanager
    def _condition(self, hp: Any, name: str, values: Mapping[str, Any]) -> Iterator[bool]:
        """Open KerasTuner's conditional scope where one is needed; yields whether to register at all."""
        if name not in CONDITIONS:
            yield True
            return
        parent, allowed = CONDITIONS[name]
        if isinstance(self.settings[parent], Fixed):
            yield values[parent] in allowed
            return
        with hp.conditional_scope(parent, list(allowed)):
            yield True


def make_space(mix: str, preset: str | None, given: Mapping[str, object]) -> Space:
    """Combine a study's arguments with a preset's values and the defaults, in that order of importance.

    Raises:
        ConfigurationError: An unknown name, or a value that no network can have.
    """
    OneOf(MIXES).check("mix", mix)
    for name in given:
        if name not in RULES:
            raise ConfigurationError(f"no hyperparameter {name!r}; {did_you_mean(name, RULES)}")
    known = find_preset(preset).hyperparameters() if preset is not None else {}
    settings: dict[str, Setting] = {}
    for name in RULES:
        usual = known.get(name, USUAL[name])
        searched = known.get(name, SEARCHED.get(name, usual))
        settings[name] = parse_setting(name, given.get(name, searched), usual)
    _refuse_idle(settings, given)
    return Space(mix, MappingProxyType(settings))


def _refuse_idle(settings: Mapping[str, Setting], given: Mapping[str, object]) -> None:
    for name, (parent, allowed) in CONDITIONS.items():
        setting = settings[parent]
        reachable = setting.values if isinstance(setting, Choices) else (setting.default,)
        if name in given and not set(reachable) & set(allowed):
            raise ConfigurationError(
                f"{name} does nothing with {parent} = {reachable[0]!r}; leave it out, or add "
                f"{' or '.join(repr(word) for word in allowed)} to {parent}"
            )
