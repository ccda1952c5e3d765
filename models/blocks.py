"""The blocks of an encoder-decoder: convolutions at one resolution, and the way up to the next."""

from typing import Any

import keras

from studyhall.models.architecture import Architecture, Level

# Said to every layer, so that a person's keras.json cannot turn the network round.
LAST = {"data_format": "channels_last"}


def convolutions(x: Any, level: Level, architecture: Architecture, name: str) -> Any:
    """Apply a level's convolutions: (batch, side, side, incoming) to (batch, side, side, filters)."""
    for index in range(1, level.convolutions + 1):
        x = keras.layers.Conv2D(level.filters, 3, padding="same", name=f"{name}_convolution_{index}", **LAST)(
            x
        )
        if architecture.normalisation == "batch":
            x = keras.layers.BatchNormalization(momentum=architecture.momentum, name=f"{name}_norm_{index}")(
                x
            )
        x = keras.layers.Activation(architecture.activation, name=f"{name}_activation_{index}")(x)
    return x


def pool(x: Any, name: str) -> Any:
    """Halve height and width."""
    return keras.layers.MaxPooling2D(2, name=f"{name}_pool", **LAST)(x)


def upsample(x: Any, level: Level, architecture: Architecture, name: str) -> Any:
    """Double height and width: (batch, side / 2, side / 2, any) to (batch, side, side, upsampled)."""
    kind = architecture.upsampling
    if kind.startswith("transposed"):
        kernel = int(kind[-1])
        return keras.layers.Conv2DTranspose(
            level.upsampled, kernel, strides=2, padding="same", name=f"{name}_upsampling", **LAST
        )(x)
    return keras.layers.UpSampling2D(2, interpolation=kind, name=f"{name}_upsampling", **LAST)(x)


def join(x: Any, skip: Any, name: str) -> Any:
    """Join what comes from below with what the encoder saw at the same resolution."""
    return keras.layers.Concatenate(name=f"{name}_skip")([x, skip])
