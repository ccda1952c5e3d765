"""The layout of a network's picture: where its blocks stand, in inches, from sizes alone."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from studyhall.models.architecture import Architecture, Level

Kind = Literal["convolution", "skip", "upsampled"]

CAPTION = 0.5  # of height, for two lines of text at a block
WIDEST_CAPTION = 1.2
BESIDE, BETWEEN = 0.3, 0.5  # between columns, between rows
ROUND_THE_HEAD = 2.1


@dataclass(frozen=True)
class Slab:
    """Feature maps that lie on each other: a box as high as their side and as thick as their channels."""

    kind: Kind
    x: float  # of the front's left edge
    thickness: float
    channels: int


@dataclass(frozen=True)
class Block:
    """One level of the network: its slabs stand side by side, around the height `y` of its row."""

    level: Level
    slabs: tuple[Slab, ...]
    y: float
    caption_below: bool

    @property
    def height(self) -> float:
        """Of the fronts."""
        return height_of(self.level.side)

    @property
    def depth(self) -> tuple[float, float]:
        """How far the back is shifted to the right and upwards."""
        return 0.16 * self.height, 0.12 * self.height

    @property
    def left(self) -> float:
        """The edge of the first front."""
        return self.slabs[0].x

    @property
    def right(self) -> float:
        """The edge of the last back."""
        return self.slabs[-1].x + self.slabs[-1].thickness + self.depth[0]

    @property
    def top(self) -> float:
        """The edge of the backs."""
        return self.y + self.height / 2 + self.depth[1]

    @property
    def bottom(self) -> float:
        """The edge of the fronts."""
        return self.y - self.height / 2

    @property
    def centre(self) -> float:
        """The middle between left and right."""
        return (self.left + self.right) / 2

    @property
    def sizes(self) -> str:
        """Height, width and channels of what leaves the block."""
        return f"{self.level.side}×{self.level.side}×{self.level.filters}"

    @property
    def contents(self) -> str:
        """What is in the block, in words.

        Where a skip is joined, they name the channels from there and from below.
        """
        number = self.level.convolutions
        words = f"{number} convolution{'' if number == 1 else 's'}"
        joined = [slab.channels for slab in self.slabs if slab.kind != "convolution"]
        return f"{'+'.join(map(str, joined))} in, {number} conv." if len(joined) > 1 else words


@dataclass(frozen=True)
class Layout:
    """Where everything stands.

    The encoder's row at full resolution is at height 0. Of two decoders, the second goes down.
    """

    encoder: tuple[Block, ...]
    bottleneck: Block
    decoders: tuple[tuple[Block, ...], ...]  # each from the bottleneck upwards
    head_x: float  # the head's centre
    head_y: float

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, as one meets them."""
        return (*self.encoder, self.bottleneck, *(block for branch in self.decoders for block in branch))

    @property
    def top(self) -> float:
        """The upper edge of the highest caption."""
        return max(block.top for block in self.blocks) + CAPTION

    @property
    def bottom(self) -> float:
        """The lower edge of the lowest caption."""
        return min(block.bottom for block in self.blocks) - CAPTION


def height_of(side: int) -> float:
    """Return how high a feature map of so many pixels is drawn: not in proportion, so that 2x2 is seen."""
    return 1.45 * math.pow(side / 32, 0.65)


def thickness_of(channels: int) -> float:
    """Return how thick so many channels are drawn: each doubling adds the same."""
    return 0.05 + 0.036 * math.log2(channels + 1)


def lay_out(architecture: Architecture) -> Layout:
    """Place an architecture's blocks: the encoder descends to the right, and each decoder rises again."""
    levels = (*architecture.encoder, architecture.bottleneck)
    heights = _rows([level.side for level in levels])
    x = 0.0
    encoder: list[Block] = []
    for level, y in zip(levels, heights, strict=True):
        block = _place(level, x, y, (), caption_below=True)
        encoder.append(block)
        x = _edge(block) + BESIDE
    bottleneck = encoder.pop()
    start, branches = x, []
    for sign in (1, -1)[: architecture.decoders]:
        x, blocks = start, []
        for place, level in enumerate(architecture.decoder):
            row = heights[len(heights) - 2 - place]
            y = row if sign == 1 else 2 * bottleneck.y - row
            joined = [("skip", level.incoming - level.upsampled)] if architecture.skips else []
            inputs = (*joined, ("upsampled", level.upsampled))
            blocks.append(_place(level, x, y, inputs, caption_below=sign == -1))
            x = _edge(blocks[-1]) + BESIDE
        branches.append(tuple(blocks))
    head_y = 0.0 if architecture.decoders == 1 else bottleneck.y
    return Layout(tuple(encoder), bottleneck, tuple(branches), x + ROUND_THE_HEAD / 2, head_y)


def _rows(sides: Sequence[int]) -> list[float]:
    heights = [0.0]
    for above, below in itertools.pairwise(sides):
        heights.append(heights[-1] - 0.5 * height_of(above) - 0.62 * height_of(below) - BETWEEN)
    return heights


def _place(
    level: Level, x: float, y: float, inputs: Sequence[tuple[str, int]], *, caption_below: bool
) -> Block:
    kinds = [*inputs, *[("convolution", level.filters)] * level.convolutions]
    width = sum(thickness_of(channels) for _, channels in kinds)
    x += max(0.0, WIDEST_CAPTION - width) / 2  # the caption is centred on the block, and may be wider
    slabs = []
    for kind, channels in kinds:
        slabs.append(Slab(kind, x, thickness_of(channels), channels))  # type: ignore[arg-type]
        x += thickness_of(channels)
    return Block(level, tuple(slabs), y, caption_below)


def _edge(block: Block) -> float:
    """The right edge of a block or of its caption."""
    return max(block.right, block.centre + WIDEST_CAPTION / 2)
