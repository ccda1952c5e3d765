"""The picture of a network: every preset and any architecture, with its sizes, and nothing on top of
anything.
"""

import itertools
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from studyhall.models.architecture import Architecture
from studyhall.models.presets import PRESETS
from studyhall.search.figures.network.drawing import network_figure
from studyhall.search.figures.network.layout import lay_out
from studyhall.search.figures.network.listing import UnknownPresetError, draw_preset

CORNERS = [
    Architecture(filters=1, pools=1, convolutions=1),
    Architecture(filters=16, pools=4, decoders=2),
    Architecture(filters=1024, convolutions=8, decoder_widening=8, layout="side-by-side", mix="sum"),
    Architecture(pools=3, skips=False, upsampling="bilinear", head="depthwise", normalisation="none"),
]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize("name", PRESETS)
def test_picture_names_the_sizes_of_every_level(name: str) -> None:
    architecture = PRESETS[name].architecture
    written = words(network_figure(architecture, name))
    levels = [*architecture.encoder, architecture.bottleneck, *architecture.decoder * architecture.decoders]
    for level in levels:
        written.remove(f"{level.side}×{level.side}×{level.filters}")
    assert name in written
    assert "mixture" in written


@pytest.mark.parametrize(
    "architecture",
    [*CORNERS, *(PRESETS[name].architecture for name in ("seed-001", "seed-004", "studyhall-wide"))],
)
def test_no_text_covers_another_or_leaves_the_picture(architecture: Architecture) -> None:
    figure = network_figure(architecture, "a name", "a description\nand a line of facts")
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    boxes.append(legend.get_window_extent())
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height


@pytest.mark.parametrize("architecture", [*CORNERS, *(preset.architecture for preset in PRESETS.values())])
def test_no_block_stands_in_another(architecture: Architecture) -> None:
    for one, other in itertools.combinations(lay_out(architecture).blocks, 2):
        apart_sideways = one.right <= other.left or other.right <= one.left
        assert apart_sideways or one.bottom >= other.top or other.bottom >= one.top


def test_skips_head_and_layout_are_told() -> None:
    assert "consistent head" in words(network_figure(Architecture()))
    assert "digit = mixture − item" in words(network_figure(Architecture(mix="sum")))
    assert "one image, 32×64×1" in words(network_figure(PRESETS["seed-004"].architecture))
    assert {"for the digit", "for the item"} < set(words(network_figure(PRESETS["seed-001"].architecture)))


def test_unknown_preset_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownPresetError, match="did you mean 'seed-003'") as refused:
        draw_preset("seed-03", tmp_path)
    assert "\n" not in str(refused.value)
