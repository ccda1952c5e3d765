"""What each hyperparameter of a network may be, checked wherever a value comes from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from studyhall.models.errors import ConfigurationError

Value = bool | int | float | str

# Height and width of the mixtures, in pixels.
SIDE = 32
# Each pool halves the sides, and a bottleneck of a single pixel has nowhere to look.
DEEPEST = int(math.log2(SIDE)) - 1

ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid")
NORMALISATIONS = ("batch", "none")
UPSAMPLINGS = ("transposed-2x2", "transposed-3x3", "nearest", "bilinear")
HEADS = ("consistent", "independent", "depthwise")
# Heads whose maps are not bounded by construction, so that their activation is a choice.
FREE_HEADS = ("independent", "depthwise")
# "same" is the activation of the blocks, as in seed 002.
OUTPUT_ACTIVATIONS = ("sigmoid", "relu", "linear", "same")
MIXES = ("mean", "sum")
LAYOUTS = ("channels", "side-by-side")


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def check(self, name: str, value: object) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ConfigurationError(f"{name} = {value!r} is unknown; use one of {', '.join(self.words)}")
        return value


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds; `because` explains the upper one."""

    low: int
    high: int
    because: str = ""

    def check(self, name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigurationError(
                f"{name} = {value!r} is not a whole number; use one from {self.low} to {self.high}"
            )
        if value > self.high and self.because:
            raise ConfigurationError(f"{name} = {value} {self.because}; use at most {self.high}")
        if not self.low <= value <= self.high:
            raise ConfigurationError(f"{name} = {value} is out of bounds; use {self.low} to {self.high}")
        return value


@dataclass(frozen=True)
class Real:
    """A number between two bounds, the bounds themselves excluded."""

    low: float
    high: float

    def check(self, name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low < value < self.high:
            raise ConfigurationError(
                f"{name} = {value!r} is out of bounds; use a number between {self.low:g} and {self.high:g}"
            )
        return float(value)


@dataclass(frozen=True)
class Truth:
    """True or false."""

    def check(self, name: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name} = {value!r} is neither true nor false")
        return value


Rule = OneOf | Whole | Real | Truth

RULES: Mapping[str, Rule] = {
    "filters": Whole(1, 1024),
    "pools": Whole(
        1,
        DEEPEST,
        because=f"is too deep for {SIDE}x{SIDE} images: each pool halves them and the bottleneck needs 2x2 pixels",
    ),
    "convolutions": Whole(1, 8),
    "decoder_convolutions": Whole(0, 8),
    "decoder_widening": Whole(1, 8),
    "activation": OneOf(ACTIVATIONS),
    "normalisation": OneOf(NORMALISATIONS),
    "momentum": Real(0, 1),
    "upsampling": OneOf(UPSAMPLINGS),
    "skips": Truth(),
    "decoders": Whole(1, 2),
    "head": OneOf(HEADS),
    "output_activation": OneOf(OUTPUT_ACTIVATIONS),
    "learning_rate": Real(0, 1),
}
