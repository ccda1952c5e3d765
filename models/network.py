"""The network: an architecture made into a Keras model."""

from typing import Any

import keras

from studyhall.models import blocks, heads
from studyhall.models.architecture import Architecture
from studyhall.models.rules import SIDE


def build_network(architecture: Architecture, name: str = "separation") -> Any:
    """Build an architecture's uncompiled `keras.Model`, from (batch, 32, 32, 1) to its `output_shape`."""
    mixture = keras.Input((SIDE, SIDE, 1), name="mixture")
    x, skips = mixture, []
    for number, level in enumerate(architecture.encoder, start=1):
        x = blocks.convolutions(x, level, architecture, f"encoder_{number}")
        skips.append(x)
        x = blocks.pool(x, f"encoder_{number}")
    x = blocks.convolutions(x, architecture.bottleneck, architecture, "bottleneck")
    prefixes = ("",) if architecture.decoders == 1 else ("digit_", "item_")
    features = [_decode(x, skips, architecture, prefix) for prefix in prefixes]
    return keras.Model(mixture, heads.sources(features, mixture, architecture), name=name)


def _decode(x: Any, skips: list[Any], architecture: Architecture, prefix: str) -> Any:
    for number, level in zip(range(architecture.pools, 0, -1), architecture.decoder, strict=True):
        name = f"{prefix}decoder_{number}"
        x = blocks.upsample(x, level, architecture, name)
        if architecture.skips:
            x = blocks.join(x, skips[number - 1], name)
        x = blocks.convolutions(x, level, architecture, name)
    return x
