"""The pieces of a network's picture: blocks of feature maps, images and arrows, in inches."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Polygon
from matplotlib.path import Path
from numpy.typing import NDArray

from studyhall.search.figures.network.layout import Block
from studyhall.search.figures.style import BLUE, GREEN, MUTED, SKY

Point = tuple[float, float]

COLOURS = {"convolution": BLUE, "skip": SKY, "upsampled": GREEN}
SKIP_COLOUR = "#8A8A8A"


def draw_block(axes: Axes, block: Block) -> None:
    """Draw a block's slabs, seen from the left and above, with its sizes."""
    right, up = block.depth
    low, high = block.bottom, block.bottom + block.height
    for slab in block.slabs:
        near, far = slab.x, slab.x + slab.thickness
        colour = COLOURS[slab.kind]
        front = [(near, low), (far, low), (far, high), (near, high)]
        lid = [(near, high), (far, high), (far + right, high + up), (near + right, high + up)]
        side = [(far, low), (far + right, low + up), (far + right, high + up), (far, high)]
        for corners, light in ((side, -0.25), (lid, 0.55), (front, 0.2)):
            axes.add_patch(
                Polygon(corners, facecolor=shade(colour, light), edgecolor="white", linewidth=0.7, zorder=3)
            )
    x = block.centre
    if block.caption_below:
        axes.text(x, low - 0.07, block.sizes, ha="center", va="top", fontsize=9, fontweight="bold", zorder=6)
        axes.text(x, low - 0.25, block.contents, ha="center", va="top", fontsize=7.5, color=MUTED, zorder=6)
    else:
        high = block.top
        axes.text(
            x, high + 0.22, block.sizes, ha="center", va="bottom", fontsize=9, fontweight="bold", zorder=6
        )
        axes.text(
            x, high + 0.07, block.contents, ha="center", va="bottom", fontsize=7.5, color=MUTED, zorder=6
        )


def draw_picture(
    axes: Axes, pixels: NDArray[np.float32], x: float, y: float, side: float, name: str, sizes: str
) -> None:
    """Draw an image in [0, 1] with its lower left corner at (x, y), its name and its sizes below."""
    axes.imshow(
        pixels,
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(x, x + side, y, y + side),
        interpolation="nearest",
        zorder=3,
    )
    axes.text(x + side / 2, y - 0.07, name, ha="center", va="top", fontsize=9, fontweight="bold")
    axes.text(x + side / 2, y - 0.25, sizes, ha="center", va="top", fontsize=8, color=MUTED)


def draw_arrow(axes: Axes, points: Sequence[Point], colour: str, *, dashed: bool = False) -> None:
    """Draw an arrow along straight lines."""
    axes.add_patch(
        FancyArrowPatch(
            path=Path(list(points)),
            arrowstyle="-|>",
            mutation_scale=9,
            color=colour,
            linewidth=1.4,
            linestyle=(0, (4, 2)) if dashed else "solid",
            zorder=2,
        )
    )


def shade(colour: str, light: float) -> tuple[float, float, float]:
    """Mix a colour with white (light above 0) or with black."""
    other = 1.0 if light > 0 else 0.0
    red, green, blue = (part + (other - part) * abs(light) for part in to_rgb(colour))
    return red, green, blue
