"""Mixtures: how pairs are drawn and composed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyhall.data.errors import DataError
from studyhall.data.mixtures import compose, draw_pairs, generator
from studyhall.data.sources import load_source

SOURCE = load_source("synthetic")


@pytest.mark.parametrize(("mix", "share"), [("mean", 0.5), ("sum", 1.0)])
def test_composition_pads_scales_and_mixes_as_published(mix: str, share: float) -> None:
    digits, items = SOURCE.train.digits[:9], SOURCE.train.items[20:29]

    x, y = compose(digits, items, mix)

    edges = ((0, 0), (2, 2), (2, 2))
    digit, item = (np.pad(kind, edges).astype(np.float32) / np.float32(255) for kind in (digits, items))
    assert x.dtype == y.dtype == np.float32
    assert x.shape == (9, 32, 32, 1)
    assert y.shape == (9, 32, 32, 2)
    np.testing.assert_array_equal(y[..., 0], digit)
    np.testing.assert_array_equal(y[..., 1], item)
    np.testing.assert_array_equal(x[..., 0], np.float32(share) * (digit + item))


@pytest.mark.parametrize(("mix", "top"), [("mean", 1.0), ("sum", 2.0)])
def test_sources_stay_in_0_to_1_and_a_sum_reaches_2(mix: str, top: float) -> None:
    white = np.full((1, 28, 28), 255, np.uint8)

    x, y = compose(white, white, mix)

    assert (x.min(), x.max()) == (0.0, top)
    assert (y.min(), y.max()) == (0.0, 1.0)


@given(level=st.tuples(st.integers(0, 255), st.integers(0, 255)))
def test_every_grey_level_is_the_nearest_float_and_the_mean_is_consistent(level: tuple[int, int]) -> None:
    digit, item = (np.full((1, 28, 28), value, np.uint8) for value in level)

    x, y = compose(digit, item, "mean")

    assert y[0, 16, 16, 0] == np.float32(level[0] / 255)
    assert abs(2 * x[0, 16, 16, 0] - y[0, 16, 16].sum()) <= np.finfo(np.float32).eps


def test_composing_changes_no_source_image() -> None:
    before = SOURCE.fingerprint

    compose(SOURCE.train.digits, SOURCE.train.items, "mean")

    assert load_source("synthetic").fingerprint == before
    assert SOURCE.train.digits.dtype == np.uint8


def test_unknown_mix_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DataError, match="mix = 'average' is unknown: choose one of mean, sum"):
        compose(SOURCE.train.digits, SOURCE.train.items, "average")


def test_unequal_numbers_of_digits_and_items_are_refused() -> None:
    with pytest.raises(DataError, match="3 digits and 1 items make no pairs"):
        compose(SOURCE.train.digits[:3], SOURCE.train.items[:1], "mean")


def test_pairs_are_drawn_uniformly_independently_and_with_replacement() -> None:
    n = 256 * 200

    digits, items = draw_pairs(generator(0, "test", 0), SOURCE.train, n)

    for indices in (digits, items):
        counts = np.bincount(indices, minlength=256)
        assert len(counts) == 256
        chi_squared = ((counts - 200) ** 2 / 200).sum()  # 255 degrees of freedom: 255 +- 23
        assert 140 < chi_squared < 370
    assert abs(np.corrcoef(digits, items)[0, 1]) < 5 / np.sqrt(n)


def test_kinds_of_different_sizes_are_drawn_from_whole() -> None:
    images = type(SOURCE.train)(SOURCE.train.digits[:3], SOURCE.train.items[:7])

    digits, items = draw_pairs(generator(0, "test", 0), images, 500)

    assert set(digits) == set(range(3))
    assert set(items) == set(range(7))


@given(
    one=st.tuples(st.integers(0, 2**64), st.sampled_from(["train", "validation"]), st.integers(0, 10_000)),
    other=st.tuples(st.integers(0, 2**64), st.sampled_from(["train", "validation"]), st.integers(0, 10_000)),
)
def test_seed_stream_and_epoch_decide_the_numbers_and_each_of_them_counts(one: Any, other: Any) -> None:
    draws = [generator(*key).integers(2**62, size=4).tolist() for key in (one, one, other)]

    assert draws[0] == draws[1]
    assert (draws[0] == draws[2]) == (one == other)


def test_seeds_beyond_32_bits_do_not_run_into_streams_and_epochs() -> None:
    draws = {
        tuple(generator(seed, "train", epoch).integers(2**62, size=2))
        for seed in (0, 1, 2**32, 2**32 + 1, 2**64)
        for epoch in (0, 1, 2)
    }

    assert len(draws) == 15


@pytest.mark.parametrize(("seed", "epoch"), [(-1, 0), (0, -1)])
def test_negative_seed_or_epoch_is_refused(seed: int, epoch: int) -> None:
    with pytest.raises(DataError, match="neither can be negative"):
        generator(seed, "train", epoch)
