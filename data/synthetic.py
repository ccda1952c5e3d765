"""The synthetic images: small drawn shapes that stand in for digits and items where no real data is wanted.

Their parameters are bytes of a hash and their pixels come from integer arithmetic, so that every machine and
every version of NumPy draws the same images.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

SIDE = 28  # pixels
UNIT = 8  # coordinates are whole eighths of a pixel

# Each pixel's centre, in eighths: (28, 1) and (1, 28).
_ROWS = np.arange(SIDE, dtype=np.int32)[:, None] * UNIT + UNIT // 2
_COLUMNS = _ROWS.T


def strokes(part: str, count: int) -> NDArray[np.uint8]:
    """Draw `count` digit-like images: a bent pen stroke through four points, soft at the edge.

    Args:
        part: Names the series; images of two parts differ.
        count: How many.

    Returns:
        uint8 (count, 28, 28).
    """
    draw = _bytes(f"strokes/{part}", count, 8)
    corners = (5 * UNIT + draw * (18 * UNIT) // 255).reshape(count, 4, 2)  # in pixels 5 to 23
    along = np.arange(17, dtype=np.int32)[:, None]  # 17 dots on each of 3 legs, close enough to touch
    squared = np.full((count, SIDE, SIDE), np.iinfo(np.int32).max, np.int32)  # distance to the nearest dot
    for start, end in ((0, 1), (1, 2), (2, 3)):
        dots = (
            corners[:, None, start] * (16 - along) + corners[:, None, end] * along
        ) // 16  # (count, 17, 2)
        for dot in np.moveaxis(dots, 1, 0)[:, :, :, None, None]:  # (count, 2, 1, 1)
            np.minimum(squared, (_ROWS - dot[:, 0]) ** 2 + (_COLUMNS - dot[:, 1]) ** 2, out=squared)
    core, edge = (1 * UNIT) ** 2, (2 * UNIT) ** 2
    return np.clip((edge - squared) * 255 // (edge - core), 0, 255).astype(np.uint8)


def blobs(part: str, count: int) -> NDArray[np.uint8]:
    """Draw `count` item-like images: a filled box on a filled ellipse, each with its brightness and stripes.

    Args:
        part: Names the series; images of two parts differ.
        count: How many.

    Returns:
        uint8 (count, 28, 28).
    """
    draw = _bytes(f"blobs/{part}", count, 8)[:, :, None, None]
    # The centre, in pixels 11 to 17.
    row, column = ((11 * UNIT + draw[:, i] * (6 * UNIT) // 255) for i in (0, 1))
    # Half the box: 4 to 9 pixels.
    height, width = ((4 * UNIT + draw[:, i] * (5 * UNIT) // 255) for i in (2, 3))
    down, across = ((5 * UNIT + draw[:, i] * (6 * UNIT) // 255) for i in (4, 5))  # half the ellipse: 5 to 11
    rows, columns = _ROWS - row, _COLUMNS - column
    box = (abs(rows) <= height) & (abs(columns) <= width)
    ellipse = (rows * across) ** 2 + (columns * down) ** 2 <= (down * across) ** 2
    stripes = (_ROWS // UNIT) % (2 + draw[:, 6] % 5) * 12  # 0 to 60, repeating every 2 to 6 rows
    return np.where(box | ellipse, 60 + draw[:, 7] // 2 + stripes, 0).astype(np.uint8)


def _bytes(series: str, count: int, each: int) -> NDArray[np.int32]:
    """Return (count, each) numbers in [0, 255] that depend on the series' name alone."""
    stream = hashlib.shake_256(series.encode()).digest(count * each)
    return np.frombuffer(stream, np.uint8).reshape(count, each).astype(np.int32)
