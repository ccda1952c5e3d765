"""The heads: how a decoder's features become two images.

`independent` predicts each source by a 1x1 convolution of its own. `depthwise` smooths two such maps, each
with a 3x3 kernel of its own (seed 004). `consistent` knows that digit + item = total, both in [0, 1], so that
the item can only lie between lo = max(0, total - 1) and hi = min(1, total): it predicts where, and the digit
is what is left.

Only Keras's own layers are used, so that a saved model loads anywhere in safe mode, and all of them compute
in float32 whatever the mixed-precision policy: half precision could not keep digit + item = total.
"""

from typing import Any

import keras

from studyhall.models.architecture import Architecture
from studyhall.models.blocks import LAST
from studyhall.models.rules import SIDE

FLOAT32 = {"dtype": "float32"}


def sources(features: list[Any], mixture: Any, architecture: Architecture) -> Any:
    """Turn features into the two sources.

    Args:
        features: One tensor (batch, 32, 32, channels) from each decoder; of two, the digit's comes first.
        mixture: (batch, 32, 32, 1), in [0, 1] for mix = "mean" and in [0, 2] for "sum".

    Returns:
        (batch, 32, 32, 2), digit first, or (batch, 32, 64, 1) with the digit on the left.
    """
    if architecture.head == "consistent":
        images = _consistent(features, mixture, architecture.mix)
    elif architecture.head == "depthwise":
        images = keras.layers.DepthwiseConv2D(
            3, padding="same", activation=architecture.final_activation, name="sources", **LAST, **FLOAT32
        )(_maps(features, "linear", "maps"))
    else:
        images = _maps(features, architecture.final_activation, "sources")
    return images if architecture.layout == "channels" else _side_by_side(images)


def _maps(features: list[Any], activation: str, name: str) -> Any:
    """Two 1x1 convolutions: (batch, 32, 32, 2)."""
    if len(features) == 1:
        return keras.layers.Conv2D(2, 1, activation=activation, name=name, **LAST, **FLOAT32)(features[0])
    maps = [
        keras.layers.Conv2D(1, 1, activation=activation, name=f"{source}_map", **LAST, **FLOAT32)(x)
        for source, x in zip(("digit", "item"), features, strict=True)
    ]
    return keras.layers.Concatenate(name=name, **FLOAT32)(maps)


def _consistent(features: list[Any], mixture: Any, mix: str) -> Any:
    x = features[0] if len(features) == 1 else keras.layers.Concatenate(name="features", **FLOAT32)(features)
    share = keras.layers.Conv2D(1, 1, activation="sigmoid", name="item_share", **LAST, **FLOAT32)(x)
    total = mixture if mix == "sum" else keras.layers.Add(name="total", **FLOAT32)([mixture, mixture])
    hi = keras.layers.ReLU(max_value=1.0, name="item_most", **FLOAT32)(total)
    # max(0, total - 1) is what min(1, total) leaves of the total, and this way without rounding.
    lo = keras.layers.Subtract(name="item_least", **FLOAT32)([total, hi])
    width = keras.layers.Subtract(name="item_width", **FLOAT32)([hi, lo])
    above = keras.layers.Multiply(name="item_above_least", **FLOAT32)([width, share])
    item = keras.layers.Add(name="item", **FLOAT32)([lo, above])
    digit = keras.layers.Subtract(name="digit", **FLOAT32)([total, item])
    return keras.layers.Concatenate(name="sources", **FLOAT32)([digit, item])


def _side_by_side(images: Any) -> Any:
    """(batch, 32, 32, 2) to (batch, 32, 64, 1)."""
    rows = keras.layers.Permute((1, 3, 2), name="rows", **FLOAT32)(images)  # (batch, row, source, column)
    return keras.layers.Reshape((SIDE, 2 * SIDE, 1), name="side_by_side", **FLOAT32)(rows)
