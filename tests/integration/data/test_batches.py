"""Batches: their number, their size, and what makes two of them equal."""

from typing import Any

import numpy as np
import pytest

from studyhall.data.batches import MixtureBatches
from studyhall.data.errors import DataError
from studyhall.data.mixtures import compose
from studyhall.data.separation import load
from studyhall.data.sources import load_source

SOURCE = load_source("synthetic")


def _batches(**changes: Any) -> MixtureBatches:
    settings: dict[str, Any] = {"mix": "mean", "batch_size": 8, "samples": 32, "seed": 7, "stream": "train"}
    return MixtureBatches(SOURCE.train, **(settings | changes))


def _epoch(batches: MixtureBatches) -> tuple[np.ndarray, np.ndarray]:
    pairs = [batches[index] for index in range(len(batches))]
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


def test_same_seed_epoch_and_batch_give_the_same_mixtures_in_any_order() -> None:
    first, second = _batches(), _batches()
    first.set_epoch(5)
    for epoch in (1, 9, 5):
        second.set_epoch(epoch)
    second[0]

    for index in (3, 0, 3):
        np.testing.assert_array_equal(first[index][0], second[index][0])
        np.testing.assert_array_equal(first[index][1], second[index][1])


def test_epochs_batches_seeds_and_streams_differ() -> None:
    batches = _batches()
    other_epoch = _batches()
    other_epoch.set_epoch(1)

    seen = {
        source[index][0].tobytes()
        for source in (batches, other_epoch, _batches(seed=8), _batches(stream="validation"))
        for index in range(4)
    }

    assert len(seen) == 16


def test_batches_start_at_epoch_0() -> None:
    batches, explicit = _batches(), _batches()
    explicit.set_epoch(0)

    assert batches.epoch == 0
    np.testing.assert_array_equal(_epoch(batches)[0], _epoch(explicit)[0])


def test_last_batch_holds_what_is_left() -> None:
    batches = _batches(samples=21)

    assert len(batches) == batches.num_batches == 3
    assert [len(x) for x, _ in batches] == [8, 8, 5]


def test_a_batch_larger_than_an_epoch_holds_the_epoch() -> None:
    batches = _batches(samples=3, batch_size=64)

    assert [x.shape for x, _ in batches] == [(3, 32, 32, 1)]


def test_batch_size_decides_only_where_the_draw_is_cut() -> None:
    np.testing.assert_array_equal(_epoch(_batches(batch_size=8))[1], _epoch(_batches(batch_size=5))[1])


def test_sources_are_images_of_the_split_and_mixtures_are_made_of_them() -> None:
    x, y = _batches(mix="sum")[1]
    padded = {image.tobytes() for image in compose(SOURCE.train.digits, SOURCE.train.items, "sum")[1][..., 0]}

    assert all(digit.tobytes() in padded for digit in y[..., 0])
    np.testing.assert_array_equal(x[..., 0], y[..., 0] + y[..., 1])


def test_a_batch_is_not_overwritten_by_the_next() -> None:
    batches = _batches()
    x, y = batches[0]
    kept = x.copy(), y.copy()

    for index in range(4):
        batches[index]

    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


def test_no_worker_threads_are_asked_for() -> None:
    batches = _batches()

    assert (batches.workers, batches.use_multiprocessing) == (1, False)


def test_ends_where_the_epoch_ends() -> None:
    for index in (4, -1):
        with pytest.raises(IndexError, match=f"batch {index} of 4"):
            _batches()[index]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size = 0, samples = 32: both must be at least 1"),
        ({"samples": 0}, "batch_size = 8, samples = 0: both must be at least 1"),
        ({"mix": "product"}, "mix = 'product' is unknown"),
        ({"seed": -3}, "seed = -3, epoch = 0: neither can be negative"),
    ],
)
def test_impossible_arguments_are_refused_before_training(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _batches(**change)


def _load(**changes: Any) -> Any:
    settings: dict[str, Any] = {
        "source": "synthetic",
        "mix": "mean",
        "samples_per_epoch": 40,
        "validation_samples": 24,
        "validation_images": 16,
        "batch_size": 16,
        "seed": 3,
    }
    return load(**(settings | changes))


def test_training_data_says_what_it_is() -> None:
    data = _load()

    assert (data.samples_per_epoch, data.fingerprint) == (40, SOURCE.fingerprint)
    assert data.train.stream != data.validation.stream  # else equal sizes would draw equal indices
    assert [len(x) for x, _ in data.train] == [16, 16, 8]
    assert [len(x) for x, _ in data.validation] == [16, 8]


def test_training_and_validation_mixtures_share_no_source_image() -> None:
    data = _load(samples_per_epoch=2000, validation_samples=500)

    def sources(batches: Any) -> set[bytes]:
        return {source.tobytes() for _, y in batches for source in np.moveaxis(y, 3, 1).reshape(-1, 32, 32)}

    seen = sources(data.validation)
    assert len(seen) == 32  # all 16 of each kind
    assert not seen & sources(data.train)


def test_validation_does_not_move_with_training_epochs_or_batch_sizes() -> None:
    data, other = _load(), _load(batch_size=7, samples_per_epoch=99)
    data.train.set_epoch(4)

    np.testing.assert_array_equal(_epoch(data.validation)[0], _epoch(other.validation)[0])


def test_another_seed_draws_other_training_and_validation_mixtures() -> None:
    data, other = _load(seed=3), _load(seed=4)

    assert not np.array_equal(_epoch(data.train)[0], _epoch(other.train)[0])
    assert not np.array_equal(_epoch(data.validation)[0], _epoch(other.validation)[0])
