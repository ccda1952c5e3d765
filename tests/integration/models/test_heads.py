"""Heads and networks, small enough to be built and run in an instant."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.models.architecture import Architecture
from studyhall.models.network import build_network
from studyhall.models.size import count_parameters


@pytest.fixture
def half_precision() -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


def small(**values: Any) -> Architecture:
    return Architecture(**({"filters": 2, "pools": 1, "convolutions": 1} | values))


def network_with_strong_opinions(architecture: Architecture) -> Any:
    """A network whose last weights are so large that sigmoids saturate on both sides."""
    keras.utils.set_random_seed(0)
    model = build_network(architecture)
    head = model.get_layer("item_share")
    head.set_weights([weights * 50 for weights in head.get_weights()])
    return model


def mixtures(top: float) -> Any:
    x = np.random.default_rng(0).random((4, 32, 32, 1), dtype="float32") * np.float32(top)
    x[0, :16], x[0, 16:] = 0, top
    return x


@pytest.mark.parametrize(("mix", "total"), [("mean", 2.0), ("sum", 1.0)])
@pytest.mark.parametrize("decoders", [1, 2])
def test_consistent_head_returns_two_images_that_make_the_mixture(
    mix: str, total: float, decoders: int
) -> None:
    x = mixtures(2 / total)
    model = network_with_strong_opinions(small(mix=mix, decoders=decoders))
    y = np.asarray(model(x))
    assert y.shape == (4, 32, 32, 2)
    assert y.min() >= -1e-6
    assert y.max() <= 1 + 1e-6
    assert np.abs(y.sum(-1, keepdims=True) - np.float32(total) * x).max() <= 1e-6
    assert np.asarray(y[..., 1]).std() > 0.1


def test_head_computes_in_float32_under_mixed_precision(half_precision: None) -> None:
    x = mixtures(1)
    model = network_with_strong_opinions(small())
    assert model.get_layer("decoder_1_convolution_1").compute_dtype == "float16"
    y = np.asarray(model(x))
    assert y.dtype == np.float32
    assert np.abs(y.sum(-1, keepdims=True) - 2 * x).max() <= 1e-6


@pytest.mark.parametrize("head", ["independent", "depthwise"])
@pytest.mark.parametrize("decoders", [1, 2])
def test_free_heads_are_float32_under_mixed_precision(half_precision: None, head: str, decoders: int) -> None:
    model = build_network(small(head=head, decoders=decoders))
    assert model.output_shape == (None, 32, 32, 2)
    assert model.output.dtype == "float32"


def test_side_by_side_layout_holds_the_digit_left_and_the_item_right() -> None:
    x = mixtures(1)
    channels = build_network(small(head="depthwise"))
    wide = build_network(small(head="depthwise", layout="side-by-side"))
    wide.set_weights(channels.get_weights())
    y, z = np.asarray(channels(x)), np.asarray(wide(x))
    assert z.shape == (4, 32, 64, 1)
    np.testing.assert_allclose(z[:, :, :32, 0], y[..., 0], atol=1e-6)
    np.testing.assert_allclose(z[:, :, 32:, 0], y[..., 1], atol=1e-6)


def test_each_decoder_of_two_draws_its_own_source() -> None:
    x = mixtures(1)
    model = build_network(small(head="independent", decoders=2))
    before = np.asarray(model(x))
    layer = model.get_layer("item_decoder_1_convolution_1")
    layer.set_weights([weights + 1 for weights in layer.get_weights()])
    after = np.asarray(model(x))
    np.testing.assert_array_equal(after[..., 0], before[..., 0])
    assert np.abs(after[..., 1] - before[..., 1]).max() > 1e-3


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"normalisation": "none", "upsampling": "transposed-3x3", "head": "depthwise"},
        {"upsampling": "nearest", "decoders": 2, "head": "depthwise"},
        {"upsampling": "bilinear", "decoders": 2},
        {
            "pools": 2,
            "convolutions": 2,
            "decoder_convolutions": 1,
            "decoder_widening": 3,
            "head": "independent",
        },
        {"pools": 2, "skips": False, "decoders": 2, "head": "independent"},
    ],
)
def test_parameters_counted_from_shapes_are_those_that_keras_counts(values: dict[str, Any]) -> None:
    architecture = small(**values)
    model = build_network(architecture)
    assert count_parameters(architecture) == model.count_params()
    assert model.output_shape[1:] == architecture.output_shape
