"""People's image files, read as mixtures or as sources: float32 (32, 32, 1) in [0, 1]."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studyhall.data.mixtures import Mix, check_mix
from studyhall.search.scoring.fitting import fitted, grey, is_grey
from studyhall.studies.errors import ImageFileError
from studyhall.studies.files import similar_beside
from studyhall.studies.one_line import reason, shown

Array = NDArray[np.float32]

SUFFIXES = (".png", ".jpg", ".jpeg", ".npy")

_SIZES = ((28, 28), (32, 32))
_ACCEPTED = "a greyscale PNG or JPEG, or a .npy array, of 28x28 or 32x32"
_FIT = "any other size and colours of a PNG or JPEG need --fit"


def read_mixture(path: Path, fit: bool = False, mix: Mix = "mean") -> Array:
    """Read one image, as float32 (32, 32, 1) in [0, 1]; 28x28 is padded with 2 black pixels on every side.

    `path` is a PNG, a JPEG, or a .npy array of uint8 (0 to 255) or floats (0 to 1, to 2 for mix = "sum": a
    PNG cannot hold those). With `fit`, a PNG or JPEG of any size and colours is made to fit. Raises
    ImageFileError, with one line that says what is accepted.
    """
    if os.path.isdir(path):  # the functions of os.path, unlike Path's, take any name without raising
        raise ImageFileError(f"{shown(path)} is a folder; give {_ACCEPTED}.")
    if not os.path.exists(path):
        raise ImageFileError(f"No such file: {shown(path)}; give {_ACCEPTED}.")
    if not os.path.isfile(path):
        raise ImageFileError(f"{shown(path)} is not a regular file; give {_ACCEPTED}.")
    try:
        with path.open("rb") as file:
            is_npy = file.read(6) == b"\x93NUMPY"
    except OSError as error:
        raise ImageFileError(f"{shown(path)} cannot be read: {reason(error)}.") from error
    pixels = _read_npy(path, 2.0 if mix == "sum" else 1.0) if is_npy else _read_picture(path, fit)
    margin = (32 - len(pixels)) // 2
    return np.pad(pixels, margin)[..., np.newaxis]


def mix_images(a: Array, b: Array, mix: Mix) -> Array:
    """Mix two sources, float32 (32, 32, 1) in [0, 1], as the examples are: their mean, or their sum."""
    check_mix(mix)
    return (a + b) / np.float32(2) if mix == "mean" else a + b


def find_images(paths: Sequence[Path]) -> list[Path]:
    """Replace each folder among `paths` by the images directly in it, sorted; every image is named once.

    Hidden files, and the sources that `predict` wrote before, are left out of folders.

    Raises:
        ImageFileError: A folder holds no images, or a path does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if os.path.isdir(path):
            found.update(dict.fromkeys(_images_in(path)))
        elif os.path.exists(path):
            found[path] = None
        else:
            hint = similar_beside(path) or f"give {_ACCEPTED}, or a folder of them."
            raise ImageFileError(f"No such file or folder: {shown(path)}; {hint}")
    return list(found)


def _images_in(folder: Path) -> list[Path]:
    try:
        files = sorted(
            path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()
        )
    except OSError as error:
        raise ImageFileError(f"The folder {shown(folder)} cannot be read: {reason(error)}.") from error
    names = {path.name for path in files}
    images = [path for path in files if not path.name.startswith(".") and not _is_output(path.name, names)]
    if not images:
        raise ImageFileError(f"The folder {shown(folder)} holds no images ({', '.join(SUFFIXES)}).")
    return images


def _is_output(name: str, names: set[str]) -> bool:
    """Whether `name` is one of the two files that a prediction writes, with the other one beside it."""
    for kind, other in (("digit", "item"), ("item", "digit")):
        stem = name.removesuffix(f".{kind}.png")
        if stem != name and f"{stem}.{other}.png" in names:
            return True
    return False


def _read_npy(path: Path, top: float) -> Array:
    """Read a .npy array as float32 (28, 28) or (32, 32)."""
    expected = "a .npy holds uint8 (0 to 255) or floats (0 to 1), of 28x28 or 32x32"
    try:
        # Mapped, so that an array of any announced size costs nothing before its shape has been looked at.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise ImageFileError(
            f"{shown(path)} cannot be read as an array ({reason(error)}); {expected}."
        ) from error
    shape = mapped.shape[:2] if mapped.ndim == 3 and mapped.shape[2] == 1 else mapped.shape
    if shape not in _SIZES:
        size = "x".join(map(str, mapped.shape)) or "a single number"
        raise ImageFileError(f"{shown(path)} is {size}; {expected}.")
    if mapped.dtype == np.uint8:
        return (np.asarray(mapped, np.float32) / np.float32(255)).reshape(shape)
    if mapped.dtype.kind != "f":
        raise ImageFileError(f"{shown(path)} holds {mapped.dtype}; {expected}.")
    pixels = np.asarray(mapped, np.float32).reshape(shape)
    if not np.isfinite(pixels).all():
        raise ImageFileError(f"{shown(path)} holds values that are not finite; {expected}.")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -1e-6 or high > top + 1e-6:  # rounding in float32 is forgiven
        hint = ' (to 2 with mix = "sum")' if 1.0 < high <= 2.0 else ""
        raise ImageFileError(f"{shown(path)} holds values from {low:g} to {high:g}; {expected}{hint}.")
    return np.clip(pixels, 0, top)


def _read_picture(path: Path, fit: bool) -> Array:
    """Read a PNG or JPEG as float32 (28, 28) or (32, 32)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata are nobody's business here
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("PNG", "JPEG", "MPO")) as picture:  # MPO: a phone's JPEG
                if fit:
                    return fitted(picture)
                if picture.size in _SIZES and is_grey(picture):
                    return grey(picture)
                width, height = picture.size
                looks = f"{width}x{height}, {'greyscale' if is_grey(picture) else 'in colour or transparent'}"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageFileError(
            f"{shown(path)} is too large, over 89 million pixels; make it smaller first."
        ) from error
    except Exception as error:
        raise ImageFileError(f"{shown(path)} cannot be read as an image; give {_ACCEPTED}.") from error
    raise ImageFileError(f"{shown(path)} is {looks}; give {_ACCEPTED} ({_FIT}).")
