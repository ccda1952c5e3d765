"""The real MNIST and Fashion-MNIST, where Keras's cache holds them."""

from pathlib import Path

import numpy as np
import pytest

from studyhall.data.mixtures import compose, draw_pairs, generator
from studyhall.data.sources import Images, Source, load_source
from studyhall.data.splits import split


@pytest.fixture
def source(real_keras_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    # Keras passes over a cache that it cannot write to, and a shared one may be read-only: link to its files.
    (tmp_path / "datasets").symlink_to(Path(real_keras_home).resolve() / "datasets")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    # Keras reads KERAS_HOME once, when it is imported, which may have happened by now.
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    return load_source("mnist-fashion")


def _contents(images: Images) -> set[bytes]:
    return {image.tobytes() for kind in (images.digits, images.items) for image in kind}


def test_official_files_are_read_whole_and_stay_uint8(source: Source) -> None:
    arrays = [source.train.digits, source.train.items, source.test.digits, source.test.items]

    assert [array.shape for array in arrays] == [(60000, 28, 28)] * 2 + [(10000, 28, 28)] * 2
    assert {array.dtype for array in arrays} == {np.dtype(np.uint8)}
    assert source.fingerprint == "sha256:da266de3fe35082c7d413b0f443f7687e992a3dbd14af79ab90b07a9843053ba"


def test_returning_the_mixture_for_both_sources_scores_the_published_0_0363(source: Source) -> None:
    # The protocol: 10 rounds of 5000 pairs of test images (published-results: "identity").
    rounds = []
    for number in range(10):
        digits, items = draw_pairs(generator(0, "test", number), source.test, 5000)
        x, y = compose(source.test.digits[digits], source.test.items[items], "mean")
        rounds.append(float(np.square(x - y).mean()))

    assert np.mean(rounds) == pytest.approx(0.0363, abs=0.0003)


def test_no_real_image_is_in_two_splits(source: Source) -> None:
    splits = split(source, 5000)

    train, validation, test = (_contents(part) for part in (splits.train, splits.validation, splits.test))
    assert (len(train), len(validation), len(test)) == (110000, 10000, 20000)
    assert not train & validation
    assert not (train | validation) & test
