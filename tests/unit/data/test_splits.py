"""Splits: what training, validation and test may draw from."""

import numpy as np
import pytest

from studyhall.data.errors import DataError
from studyhall.data.sources import Images, Source, load_source
from studyhall.data.splits import split


def _contents(images: Images) -> set[bytes]:
    return {image.tobytes() for kind in (images.digits, images.items) for image in kind}


def test_no_image_is_in_two_splits_and_none_is_lost() -> None:
    source = load_source("synthetic")

    splits = split(source, 64)

    train, validation, test = (_contents(part) for part in (splits.train, splits.validation, splits.test))
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert train | validation == _contents(source.train)
    assert test == _contents(source.test)


def test_validation_images_are_counted_per_kind() -> None:
    splits = split(load_source("synthetic"), 10)

    assert [len(splits.validation.digits), len(splits.validation.items)] == [10, 10]
    assert [len(splits.train.digits), len(splits.train.items)] == [246, 246]


def test_splitting_copies_no_image() -> None:
    source = load_source("synthetic")

    splits = split(source, 10)

    assert np.shares_memory(splits.train.digits, source.train.digits)
    assert np.shares_memory(splits.validation.items, source.train.items)


@pytest.mark.parametrize("validation_images", [-1, 0, 256, 70000])
def test_holding_out_none_or_all_is_refused(validation_images: int) -> None:
    with pytest.raises(
        DataError, match=f"validation_images = {validation_images} .* choose 1 to 255"
    ) as refusal:
        split(load_source("synthetic"), validation_images)

    assert "\n" not in str(refusal.value)


def test_the_scarcer_kind_limits_what_can_be_held_out() -> None:
    whole = load_source("synthetic")
    source = Source("few", Images(whole.train.digits, whole.train.items[:8]), whole.test)

    with pytest.raises(DataError, match="choose 1 to 7"):
        split(source, 8)
    assert len(split(source, 7).train.items) == 1
