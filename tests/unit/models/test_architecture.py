"""Architectures as values: what they refuse, and the sizes they promise."""

import re
from typing import Any

import pytest

from studyhall.models.architecture import Architecture
from studyhall.models.errors import ConfigurationError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pools": 5}, "pools = 5 is too deep for 32x32 images"),
        ({"pools": 5}, "use at most 4"),
        ({"pools": 0}, "pools = 0 is out of bounds; use 1 to 4"),
        ({"filters": 0}, "filters = 0 is out of bounds; use 1 to 1024"),
        ({"filters": 8.0}, "filters = 8.0 is not a whole number"),
        ({"convolutions": True}, "convolutions = True is not a whole number"),
        ({"activation": "softmax"}, "activation = 'softmax' is unknown; use one of relu"),
        ({"normalisation": "layer"}, "use one of batch, none"),
        ({"upsampling": "transposed"}, "use one of transposed-2x2, transposed-3x3, nearest, bilinear"),
        ({"head": "consistant"}, "use one of consistent, independent, depthwise"),
        ({"momentum": 1.0}, "momentum = 1.0 is out of bounds; use a number between 0 and 1"),
        ({"decoders": 3}, "decoders = 3 is out of bounds; use 1 to 2"),
        ({"skips": 1}, "skips = 1 is neither true nor false"),
        ({"layout": "stacked"}, "use one of channels, side-by-side"),
        ({"mix": "average"}, "mix = 'average' is unknown; use one of mean, sum"),
        ({"output_activation": "relu"}, "the consistent head is bounded by construction and takes no"),
    ],
)
def test_impossible_architecture_is_refused_with_what_to_write_instead(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)) as refused:
        Architecture(**values)
    assert "\n" not in str(refused.value)


def test_deepest_allowed_network_has_a_bottleneck_of_two_by_two_pixels() -> None:
    assert Architecture(pools=4).bottleneck.side == 2


def test_filters_double_downwards_and_halve_upwards() -> None:
    architecture = Architecture(filters=8, pools=3)
    assert [level.filters for level in architecture.encoder] == [8, 16, 32]
    assert architecture.bottleneck.filters == 64
    assert [level.filters for level in architecture.decoder] == [32, 16, 8]
    assert [level.side for level in architecture.decoder] == [8, 16, 32]


def test_wider_decoder_multiplies_every_level() -> None:
    architecture = Architecture(filters=32, decoder_widening=4, decoder_convolutions=4)
    assert [(level.filters, level.convolutions) for level in architecture.decoder] == [(256, 4), (128, 4)]


def test_decoder_has_as_many_convolutions_as_the_encoder_unless_told() -> None:
    assert {level.convolutions for level in Architecture(convolutions=3).decoder} == {3}


def test_skips_add_the_encoders_channels_to_what_comes_from_below() -> None:
    with_skips, without = Architecture(filters=8), Architecture(filters=8, skips=False)
    assert [level.incoming for level in with_skips.decoder] == [16 + 16, 8 + 8]
    assert [level.incoming for level in without.decoder] == [16, 8]


@pytest.mark.parametrize(
    ("values", "activation"),
    [
        ({"head": "independent"}, "sigmoid"),
        ({"head": "depthwise"}, "linear"),
        ({"head": "independent", "output_activation": "relu"}, "relu"),
        ({"head": "independent", "output_activation": "same", "activation": "tanh"}, "tanh"),
    ],
)
def test_head_has_the_activation_it_was_given_or_its_own(values: dict[str, Any], activation: str) -> None:
    assert Architecture(**values).final_activation == activation


def test_layout_decides_the_shape_of_a_prediction() -> None:
    assert Architecture().output_shape == (32, 32, 2)
    assert Architecture(layout="side-by-side").output_shape == (32, 64, 1)
