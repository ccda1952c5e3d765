"""Fitting: any picture, made a small greyscale image on a dark background, as the examples are."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Array = NDArray[np.float32]

_SIDE = 28  # pixels; what is left of 32 is the examples' own margin
_LARGE = 1024  # pixels; more than this is reduced before anything is computed


def is_grey(picture: Image.Image) -> bool:
    """Whether a picture is opaque and greyscale, of 1, 8 or 16 bits."""
    return picture.mode in ("1", "L", "I;16") and not picture.has_transparency_data


def grey(picture: Image.Image) -> Array:
    """The pixels of a greyscale picture as float32 (height, width) in [0, 1]."""
    if picture.mode.startswith("I"):
        return np.asarray(picture, np.float32) / np.float32(65535)
    return np.asarray(picture.convert("L"), np.float32) / np.float32(255)


def fitted(picture: Image.Image) -> Array:
    """Fit a picture of any size and colours, as float32 (28, 28), or (32, 32) where it has that size.

    It is turned upright (EXIF), made greyscale (Rec. 601 luma, as Pillow does it), inverted where the median
    of its border is light, and its longer side is scaled to 28 pixels. Transparent parts become the
    background: light around dark content, dark around light content.
    """
    picture.draft("L", (_LARGE, _LARGE))  # a JPEG is decoded no larger than needed
    pixels = _on_dark(_luminance(ImageOps.exif_transpose(picture)))
    height, width = pixels.shape
    if (height, width) in ((28, 28), (32, 32)):
        return pixels
    longer = max(height, width)
    size = (max(1, round(width * _SIDE / longer)), max(1, round(height * _SIDE / longer)))
    small = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    canvas = np.zeros((_SIDE, _SIDE), np.float32)
    left, top = (_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2
    # Lanczos overshoots.
    canvas[top : top + size[1], left : left + size[0]] = np.clip(np.asarray(small), 0, 1)
    return canvas


def _luminance(picture: Image.Image) -> Array:
    """Luminance in [0, 1], transparency replaced by a background that contrasts with the content."""
    if picture.mode.startswith("I"):
        return np.asarray(_reduced(Image.fromarray(grey(picture))))
    if not picture.has_transparency_data:
        return grey(_reduced(picture.convert("L")))
    reduced = np.asarray(_reduced(picture.convert("RGBA").convert("LA")), np.float32) / np.float32(255)
    light, opacity = reduced[..., 0], reduced[..., 1]
    background = np.float32(np.sum(light * opacity) <= 0.5 * np.sum(opacity))
    shown: Array = light * opacity + background * (1 - opacity)
    return shown


def _reduced(picture: Image.Image) -> Image.Image:
    picture.thumbnail((_LARGE, _LARGE), Image.Resampling.BOX)
    return picture


def _on_dark(pixels: Array) -> Array:
    """Invert the pixels where the outermost twentieth (1 pixel at least) is light."""
    ring = max(1, min(pixels.shape) // 20)
    border = np.ones(pixels.shape, bool)
    border[ring:-ring, ring:-ring] = False
    return 1 - pixels if np.median(pixels[border]) > 0.5 else pixels
