"""Sources: the synthetic images, fingerprints, and what is refused."""

import random
import subprocess
import sys

import numpy as np
import pytest

from studyhall.data.errors import DataError
from studyhall.data.sources import Images, Source, load_source

LIGHT_IMPORTS = """
import sys
import studyhall.data, studyhall.data.errors, studyhall.data.sources, studyhall.data.splits, studyhall.data.mixtures
from studyhall.data.sources import load_source
load_source("synthetic")
print(sorted({"keras", "tensorflow", "keras_tuner", "jax"} & set(sys.modules)))
"""


def test_importing_sources_splits_and_mixtures_imports_no_keras() -> None:
    result = subprocess.run([sys.executable, "-c", LIGHT_IMPORTS], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


def test_synthetic_images_are_the_same_on_every_machine() -> None:
    # Drawn by integer arithmetic, so the digest can be written down.
    assert load_source("synthetic").fingerprint == (
        "sha256:fc9f8cb241ec6e40db880fcfbe98c049c55044a4ab974c92e8ea905a446b9473"
    )


def test_synthetic_images_neither_use_nor_disturb_global_randomness() -> None:
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]

    first = load_source("synthetic").fingerprint

    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index]
    np.random.seed(2)
    assert load_source("synthetic").fingerprint == first


def test_synthetic_source_holds_256_and_128_different_images_of_each_kind() -> None:
    source = load_source("synthetic")
    parts = [source.train.digits, source.train.items, source.test.digits, source.test.items]

    assert [part.shape for part in parts] == [(256, 28, 28), (256, 28, 28), (128, 28, 28), (128, 28, 28)]
    assert {part.dtype for part in parts} == {np.dtype(np.uint8)}
    assert len({image.tobytes() for part in parts for image in part}) == 768


def test_synthetic_digits_are_thin_strokes_and_items_are_filled_areas() -> None:
    images = load_source("synthetic").train

    def filled(array: np.ndarray) -> float:  # share of the 2x2 patches with any ink that are all ink
        ink = array > 0
        patches = np.stack([ink[:, a : 27 + a, b : 27 + b] for a in (0, 1) for b in (0, 1)])
        return float(patches.all(axis=0).sum() / patches.any(axis=0).sum())

    assert filled(images.digits) < 0.6
    assert filled(images.items) > 0.7
    assert images.digits.max() == 255  # the middle of a stroke is white
    assert (images.items.reshape(256, -1).max(axis=1) < 255).all()  # no brightness has wrapped around
    assert (images.items[:, 0] == 0).all()
    assert (images.digits[:, 0] == 0).all()


def test_fingerprint_depends_on_pixels_and_not_on_memory_layout() -> None:
    source = load_source("synthetic")
    digits = source.train.digits
    other_layout = Source("other", Images(np.asfortranarray(digits), source.train.items), source.test)
    changed = digits.copy()
    changed[17, 3, 5] ^= 1
    swapped = Source("synthetic", Images(source.train.items, digits), source.test)

    assert other_layout.fingerprint == source.fingerprint
    assert Source("x", Images(changed, source.train.items), source.test).fingerprint != source.fingerprint
    assert swapped.fingerprint != source.fingerprint


def test_unknown_source_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(
        DataError,
        match=r"No data source 'mnist-fasion', and your own is named .*; did you mean 'mnist-fashion'\?",
    ) as refusal:
        load_source("mnist-fasion")

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "digits",
    [
        np.zeros((4, 28, 28), np.float32),
        np.zeros((4, 32, 32), np.uint8),
        np.zeros((28, 28), np.uint8),
        np.zeros((0, 28, 28), np.uint8),
    ],
)
def test_images_of_another_type_or_shape_are_refused(digits: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"digits are .*: give uint8 of shape \(n, 28, 28\)"):
        Images(digits, np.zeros((4, 28, 28), np.uint8))
