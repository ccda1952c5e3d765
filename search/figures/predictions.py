"""The predictions: what a model makes of a few examples, beside what it should.

They are drawn in milliseconds, without axes.
"""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.wording import compact, short

Array = NDArray[np.float32]

# Pixels: a picture's side at least, between two, the titles, the errors.
CELL, GAP, HEAD, MARGIN = (
    96,
    6,
    20,
    58,
)
_MOST_CHANNELS = 4


def predictions_png(x: Array, y: Array, predicted: Array, names: Sequence[str] = ()) -> bytes:
    """Draw a row for each example: the input, then each channel's target, prediction and mean squared error.

    Three channels are one coloured picture.

    Args:
        x: Inputs, (n, height, width, channels) or (n, height, width); left out of the picture if they are no
            images.
        y: Targets, likewise.
        predicted: What the model makes of `x`, shaped like `y`.
        names: What to call the channels of the target.

    Returns:
        A PNG of some ten kilobytes.

    Raises:
        NothingToDrawError: Targets and predictions are not images of one shape, or not finite.
    """
    wanted, found = _channels(y), _channels(predicted)
    if wanted is None or found is None or y.shape[:3] != predicted.shape[:3] or len(wanted) != len(found):
        raise NothingToDrawError("its output is not an image like the target")
    if len(y) == 0 or not all(np.isfinite(part).all() for part in (y, predicted)):
        raise NothingToDrawError("there are no finite predictions")
    low, high = _range(y)
    columns: list[tuple[str, Array, float, float]] = []
    given = _channels(x) if len(x) == len(y) and np.isfinite(x).all() else None
    if given is not None:
        columns.append(("input", given[0], *_range(x)))
    for place, (one, other) in enumerate(zip(wanted, found, strict=True)):
        name = names[place] if place < len(names) else f"target {place + 1}" if len(wanted) > 1 else "target"
        columns += [(short(name, 14), one, low, high), ("predicted", other, low, high)]
    errors = np.mean((predicted.reshape(len(y), -1) - y.reshape(len(y), -1)) ** 2, axis=1)
    return _drawn(columns, errors)


def _drawn(columns: Sequence[tuple[str, Array, float, float]], errors: Array) -> bytes:
    height, width = columns[0][1].shape[1:3]
    times = max(1, CELL // max(height, width))
    across, down = width * times + GAP, height * times + GAP
    sheet = Image.new("RGB", (across * len(columns) + MARGIN, HEAD + down * len(errors)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for place, (name, pictures, low, high) in enumerate(columns):
        pen.text((place * across + (across - GAP) / 2, 3), name, "black", font, anchor="ma")
        for row, pixels in enumerate(pictures):
            picture = Image.fromarray(_bytes(pixels, low, high))
            if picture.size != (width * times, height * times):
                picture = picture.resize((width * times, height * times), Image.Resampling.NEAREST)
            sheet.paste(picture, (place * across, HEAD + row * down))
    left = across * len(columns)
    pen.text((left, 3), "mse", "black", font)
    for row, error in enumerate(errors):
        middle = HEAD + row * down + (down - GAP) / 2
        pen.text((left, middle), compact(float(error)), "black", font, anchor="lm")
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _channels(images: Array) -> list[Array] | None:
    """Return pictures to show, each (n, height, width) or (n, height, width, 3).

    It returns None where these are no pictures.
    """
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or min(images.shape[1:3]) < 4 or not 1 <= images.shape[3] <= _MOST_CHANNELS:
        return None
    if images.shape[3] == 3:
        return [images]
    return [images[..., channel] for channel in range(images.shape[3])]


def _range(images: Array) -> tuple[float, float]:
    """Return what is shown as black and as white: 0 and 1 if that holds all, else the extremes."""
    low, high = float(images.min()), float(images.max())
    return (0.0, 1.0) if low >= 0.0 and high <= 1.0 else (low, max(high, low + 1e-6))


def _bytes(pixels: Array, low: float, high: float) -> NDArray[np.uint8]:
    shares: NDArray[np.float64] = np.clip((pixels.astype(np.float64) - low) / (high - low), 0.0, 1.0)
    return (shares * 255.0).round().astype(np.uint8)
