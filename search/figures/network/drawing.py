"""The picture of a network: an encoder that descends, a decoder that comes up again, and what joins them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from studyhall.data.mixtures import compose
from studyhall.data.synthetic import blobs, strokes
from studyhall.models.architecture import Architecture
from studyhall.search.figures.network.layout import CAPTION, ROUND_THE_HEAD, Layout, height_of, lay_out
from studyhall.search.figures.network.legend import head_in_words, legend_entries
from studyhall.search.figures.network.pieces import SKIP_COLOUR, draw_arrow, draw_block, draw_picture, shade
from studyhall.search.figures.style import GREEN, INK, MUTED, PURPLE, VERMILION, drawing
from studyhall.search.figures.wording import short

LEGEND_COLUMN = 2.45  # inches
HEAD_BOX = (1.75, 0.92)  # inches
PICTURE = 1.05  # inches, the side of a source at the end
EXAMPLE = (7, 3)  # a stroke and a blob that are easy to tell apart


@drawing()
def network_figure(architecture: Architecture, title: str = "", subtitle: str = "") -> Figure:
    """Draw an encoder-decoder, with a made-up mixture where it enters and its sources where they leave.

    Args:
        architecture: The network; nothing is built.
        title, subtitle: What is written above; a line break in the subtitle is kept.
    """
    layout = lay_out(architecture)
    entrance = layout.encoder[0].left - 0.75 - height_of(32)
    exits = layout.head_x + ROUND_THE_HEAD / 2 + 0.25
    left, right = entrance - 0.25, exits + PICTURE * (2 if architecture.layout == "side-by-side" else 1) + 0.3
    legend = legend_entries(architecture)
    columns = max(1, min(len(legend), int((right - left) // LEGEND_COLUMN)))
    legend_rows = -(-len(legend) // columns)
    over_the_top = 0.45 if architecture.head == "consistent" else 0.0
    top = layout.top + over_the_top + (0.4 if title else 0.1) + 0.2 * (subtitle.count("\n") + bool(subtitle))
    lowest = min(layout.bottom, layout.head_y - PICTURE - 0.5)
    bottom = lowest - 0.2 - 0.22 * legend_rows
    # One unit is an inch, so that letters have the same size in every picture.
    figure = Figure(figsize=(right - left, top - bottom))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for block in layout.blocks:
        draw_block(axes, block)
    _draw_encoder_arrows(axes, layout, entrance)
    _draw_decoder_arrows(axes, layout, architecture)
    _draw_ends(axes, layout, architecture, entrance, exits)
    axes.legend(
        handles=legend,
        loc="lower left",
        bbox_to_anchor=(0.12 / (right - left), 0.06 / (top - bottom)),
        ncols=columns,
        borderaxespad=0,
        handlelength=1.6,
    )
    width = int((right - left) * 12.5)  # letters
    axes.text(left + 0.2, top - 0.14, short(title, width), va="top", fontsize=13, fontweight="bold")
    lines = "\n".join(short(line, width + 10) for line in subtitle.split("\n"))
    axes.text(left + 0.2, top - 0.42, lines, va="top", fontsize=9, color=MUTED, linespacing=1.35)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    return figure


def _draw_encoder_arrows(axes: Axes, layout: Layout, entrance: float) -> None:
    first = layout.encoder[0]
    draw_arrow(axes, [(entrance + height_of(32) + 0.08, first.y), (first.left - 0.06, first.y)], INK)
    for above, below in zip(layout.encoder, (*layout.encoder[1:], layout.bottleneck), strict=True):
        # Leaves low, because the skip leaves in the middle.
        y = above.y - 0.3 * above.height
        draw_arrow(
            axes, [(above.right + 0.04, y), (below.centre, y), (below.centre, below.top + 0.05)], VERMILION
        )


def _draw_decoder_arrows(axes: Axes, layout: Layout, architecture: Architecture) -> None:
    for branch in layout.decoders:
        for below, above in zip((layout.bottleneck, *branch), branch, strict=False):
            rises = above.y > below.y
            entry = next(slab for slab in above.slabs if slab.kind == "upsampled")
            x = entry.x + entry.thickness / 2 + (0 if rises else above.depth[0] / 2)
            start = (below.right + 0.04, below.y)
            if below is layout.bottleneck and len(layout.decoders) == 2:
                start = (below.right + 0.04, below.y + (0.05 if rises else -0.05))
            end = above.bottom - 0.05 if rises else above.top + 0.05
            draw_arrow(axes, [start, (x, start[1]), (x, end)], GREEN)
        if not architecture.skips:
            continue
        for source, target in zip(reversed(layout.encoder), branch, strict=True):
            y = target.y + 0.08 * target.height
            into = (target.left - 0.06, y)
            if target.y == source.y:
                draw_arrow(axes, [(source.right + 0.05, y), into], SKIP_COLOUR, dashed=True)
            else:  # round the encoder, through the free corner below it
                x = source.centre
                draw_arrow(axes, [(x, source.bottom - CAPTION), (x, y), into], SKIP_COLOUR, dashed=True)


def _draw_ends(axes: Axes, layout: Layout, architecture: Architecture, entrance: float, exits: float) -> None:
    """Draw what goes into the network, its head, and what comes out."""
    mixture, separated = compose(
        strokes("train", EXAMPLE[0] + 1)[-1:], blobs("train", EXAMPLE[1] + 1)[-1:], "mean"
    )
    side = height_of(32)
    draw_picture(axes, mixture[0, ..., 0], entrance, -side / 2, side, "mixture", "32×32×1")
    _draw_head(axes, layout, architecture)
    if architecture.head == "consistent":
        _draw_way_of_the_mixture(axes, layout, entrance, side)
    _draw_separated(axes, layout, architecture, separated, exits)


def _draw_head(axes: Axes, layout: Layout, architecture: Architecture) -> None:
    """Draw the head, and the ways from the decoders to it."""
    (x, y), (width, height) = (layout.head_x, layout.head_y), HEAD_BOX
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=shade(PURPLE, 0.75),
            edgecolor=PURPLE,
            linewidth=1.1,
            zorder=3,
        )
    )
    name, *lines = head_in_words(architecture)
    high = y + 0.085 * len(lines)
    axes.text(x, high, name, ha="center", va="center", fontsize=8.5, fontweight="bold", zorder=6)
    for number, line in enumerate(lines, start=1):
        axes.text(x, high - 0.02 - 0.17 * number, line, ha="center", va="center", fontsize=7.8, zorder=6)
    for source, branch in zip(("digit", "item"), layout.decoders, strict=False):
        last = branch[-1]
        if len(layout.decoders) == 1:
            draw_arrow(axes, [(last.right + 0.05, last.y), (x - width / 2 - 0.05, last.y)], INK)
            continue
        edge = y + (height / 2 + 0.05 if last.y > y else -height / 2 - 0.05)
        draw_arrow(axes, [(last.right + 0.05, last.y), (x, last.y), (x, edge)], INK)
        label = f"for the {source}"
        axes.text(last.right + 0.15, last.y + 0.06, label, va="bottom", fontsize=8.5, fontweight="bold")


def _draw_way_of_the_mixture(axes: Axes, layout: Layout, entrance: float, side: float) -> None:
    """Draw the way from the mixture over the network to a head that uses it."""
    over, beside = layout.top + 0.12, layout.head_x + 0.35
    path = [
        (entrance + side / 2, side / 2 + 0.05),
        (entrance + side / 2, over),
        (beside, over),
        (beside, layout.head_y + HEAD_BOX[1] / 2 + 0.05),
    ]
    draw_arrow(axes, path, PURPLE)
    label = "the mixture itself, for the head"
    axes.text(entrance + side / 2 + 0.1, over + 0.05, label, va="bottom", fontsize=7.5, color=MUTED)


def _draw_separated(
    axes: Axes, layout: Layout, architecture: Architecture, separated: np.ndarray, exits: float
) -> None:
    """Draw the two images that come out: one image of both, or two channels."""
    y = layout.head_y
    draw_arrow(axes, [(layout.head_x + HEAD_BOX[0] / 2 + 0.04, y), (exits - 0.06, y)], INK)
    if architecture.layout == "side-by-side":
        for place, name in enumerate(("digit", "item")):
            left = exits + place * PICTURE
            draw_picture(axes, separated[0, ..., place], left, y - PICTURE / 2, PICTURE, name, "")
        label = "one image, 32×64×1"
        below = y - PICTURE / 2 - 0.28
        axes.text(exits + PICTURE, below, label, ha="center", va="top", fontsize=8, color=MUTED)
        return
    draw_picture(axes, separated[0, ..., 0], exits, y + 0.06, PICTURE, "", "")
    draw_picture(axes, separated[0, ..., 1], exits, y - 0.06 - PICTURE, PICTURE, "digit, item", "32×32×2")
