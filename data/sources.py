"""The sources: named pairs of image collections, digits and items, each with a training and a test part."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studyhall.data import downloads, synthetic
from studyhall.data.errors import DataError
from studyhall.did_you_mean import did_you_mean

IMAGE_SIDE = 28  # pixels


@dataclass(frozen=True, eq=False)
class Images:
    """The two kinds of source image of one split; a mixture is made of one of each.

    Args:
        digits: uint8 (n, 28, 28), 0 is background.
        items: uint8 (m, 28, 28), 0 is background; m need not equal n.

    Raises:
        DataError: If an array is not of that type and shape, or holds no image.
    """

    digits: NDArray[np.uint8]
    items: NDArray[np.uint8]

    def __post_init__(self) -> None:
        for kind, array in (("digits", self.digits), ("items", self.items)):
            if array.dtype != np.uint8 or array.shape[1:] != (IMAGE_SIDE, IMAGE_SIDE) or len(array) == 0:
                raise DataError(
                    f"The {kind} are {array.dtype} of shape {array.shape}: give uint8 of shape (n, 28, 28), n >= 1."
                )


@dataclass(frozen=True, eq=False)
class Source:
    """Where examples come from.

    Args:
        name: What a definition calls it.
        train: The images that training and validation share out between them.
        test: The images that nothing but evaluation sees.
    """

    name: str
    train: Images
    test: Images

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:` and the digest of parts, kinds, shapes and pixels: equal for equal images, everywhere."""
        digest = hashlib.sha256()
        for part, images in (("train", self.train), ("test", self.test)):
            for kind, array in (("digits", images.digits), ("items", images.items)):
                digest.update(f"{part} {kind} {array.shape}\n".encode())
                digest.update(np.ascontiguousarray(array).data)
        return f"sha256:{digest.hexdigest()}"


def _mnist_fashion() -> Source:
    train_digits, test_digits = downloads.load(downloads.MNIST)
    train_items, test_items = downloads.load(downloads.FASHION_MNIST)
    return Source("mnist-fashion", Images(train_digits, train_items), Images(test_digits, test_items))


def _synthetic() -> Source:
    train = Images(synthetic.strokes("train", 256), synthetic.blobs("train", 256))
    test = Images(synthetic.strokes("test", 128), synthetic.blobs("test", 128))
    return Source("synthetic", train, test)


_SOURCES: dict[str, Callable[[], Source]] = {"mnist-fashion": _mnist_fashion, "synthetic": _synthetic}


def load_source(name: str) -> Source:
    """Load a built-in source; nothing is kept between calls.

    Args:
        name: `mnist-fashion` (60,000 training and 10,000 test images of each kind, from Keras's cache or the
            network) or `synthetic` (256 and 128 drawn shapes of each kind, from nowhere but this code).

    Raises:
        DataError: If there is no source of that name, or its images cannot be downloaded or read.
    """
    if name not in _SOURCES:
        raise DataError(
            f"No data source {name!r}, and your own is named file.py:function or package.module:function; "
            f"{did_you_mean(name, _SOURCES)}"
        )
    return _SOURCES[name]()
