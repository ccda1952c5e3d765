"""The mixtures: one digit and one item composed into the image that a network is asked to take apart."""

import hashlib
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from studyhall.data.errors import DataError
from studyhall.data.sources import IMAGE_SIDE, Images

Mix = Literal["mean", "sum"]
MIXES: tuple[str, ...] = get_args(Mix)

PADDING = 2  # pixels of background on every side
SIDE = IMAGE_SIDE + 2 * PADDING  # 32: halved by a network's poolings without a remainder

Float32Array = NDArray[np.float32]
Indices = NDArray[np.int64]


def check_mix(mix: str) -> None:
    """Raise DataError if there is no such way to mix."""
    if mix not in MIXES:
        raise DataError(f"mix = '{mix}' is unknown: choose one of {', '.join(MIXES)}.")


def compose(
    digits: NDArray[np.uint8], items: NDArray[np.uint8], mix: str
) -> tuple[Float32Array, Float32Array]:
    """Compose mixtures of digits and items, pair by pair.

    Each image is divided by 255 and padded with 2 background pixels on every side; the mixture is
    x = (digit + item) / 2 for `mean` and x = digit + item for `sum`, pixel by pixel.

    Args:
        digits: uint8 (b, 28, 28).
        items: uint8 (b, 28, 28).
        mix: `mean` or `sum`.

    Returns:
        x: float32 (b, 32, 32, 1), in [0, 1] for `mean` and in [0, 2] for `sum`: no sum is rescaled or
            clipped, so that x still determines digit + item.
        y: float32 (b, 32, 32, 2), in [0, 1]; y[..., 0] is the digit, y[..., 1] the item.

    Raises:
        DataError: If `mix` is neither, or there is not one item for each digit.
    """
    check_mix(mix)
    if digits.shape != items.shape:
        raise DataError(
            f"{len(digits)} digits and {len(items)} items make no pairs: give one item for each digit."
        )
    x = np.zeros((len(digits), SIDE, SIDE, 1), np.float32)
    y = np.zeros((len(digits), SIDE, SIDE, 2), np.float32)
    inside = slice(PADDING, PADDING + IMAGE_SIDE)
    np.divide(digits, np.float32(255), out=y[:, inside, inside, 0])
    np.divide(items, np.float32(255), out=y[:, inside, inside, 1])
    np.add(y[..., 0], y[..., 1], out=x[..., 0])
    if mix == "mean":
        x *= np.float32(0.5)  # exact: a power of two
    return x, y


def draw_pairs(rng: np.random.Generator, images: Images, n: int) -> tuple[Indices, Indices]:
    """Draw `n` pairs: digits and items independently, uniformly and with replacement.

    Returns:
        The digits' and the items' indices, each int64 (n,).
    """
    return rng.integers(len(images.digits), size=n), rng.integers(len(images.items), size=n)


def generator(seed: int, stream: str, epoch: int) -> np.random.Generator:
    """Return the random numbers of one epoch, which depend on the arguments alone.

    Args:
        seed: At least 0.
        stream: Sets the draws of one purpose (`train`, `validation`) apart from those of another.
        epoch: From 0.

    Raises:
        DataError: If the seed or the epoch is negative.
    """
    if seed < 0 or epoch < 0:
        raise DataError(f"seed = {seed}, epoch = {epoch}: neither can be negative.")
    # As a spawn key, (stream, epoch) can meet no other seed's: SeedSequence keeps keys apart from entropy.
    key = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:4], "little")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, epoch)))
