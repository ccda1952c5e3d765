"""Downloads: what a failed or damaged one says, and that nothing else is said. No network is touched."""

import fcntl
import gzip
import os
import tempfile
import urllib.error
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.data import downloads
from studyhall.data.errors import DataError
from studyhall.data.sources import load_source

CHOICES = r"connect to a network.*, or set KERAS_HOME to a folder that holds datasets/\S+.*source = \"synthetic\"\.$"


def _no_network(*_: Any) -> None:
    raise urllib.error.URLError("[Errno -2] Name or service not known")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give Keras an empty cache with a hostile name, and no network to fill it from."""
    home = tmp_path / "a user's kéras"
    (home / "datasets" / "fashion-mnist").mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(home))
    # Keras reads KERAS_HOME once, when it is imported, which has happened by now.
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(home))
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", _no_network)
    return home


def _write_fashion_mnist(cache: Path, images: bytes) -> None:
    for file in downloads.FASHION_MNIST.files:
        content = bytes(16) + images if "images" in file else bytes(8) + bytes(3)  # 3 labels
        (cache / "datasets" / file).write_bytes(gzip.compress(content))


def test_failed_download_is_one_line_that_names_every_way_out(
    cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        DataError, match=f"MNIST is not in .* cannot be downloaded .*Name or service.*{CHOICES}"
    ) as failure:
        load_source("mnist-fashion")

    assert "\n" not in str(failure.value)
    assert str(cache / "datasets") in str(failure.value)
    assert capfd.readouterr() == ("", "")


def test_damaged_mnist_without_a_network_is_one_line(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (cache / "datasets" / "mnist.npz").write_bytes(b"PK not really")

    with pytest.raises(DataError, match=f"MNIST in .* is damaged .*delete its files .*{CHOICES}") as failure:
        downloads.load(downloads.MNIST)

    assert "\n" not in str(failure.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("damage", ["truncated", "not gzip", "too few images"])
def test_damaged_fashion_mnist_is_one_line(cache: Path, damage: str) -> None:
    _write_fashion_mnist(cache, images=bytes(3 * 28 * 28))
    file = cache / "datasets" / downloads.FASHION_MNIST.files[0]
    content = {
        "truncated": file.read_bytes()[:-9],
        "not gzip": b"<html>",
        "too few images": gzip.compress(bytes(16) + bytes(2 * 28 * 28)),
    }[damage]
    file.write_bytes(content)

    with pytest.raises(DataError, match=f"Fashion-MNIST in .* is damaged .*{CHOICES}") as failure:
        downloads.load(downloads.FASHION_MNIST)

    assert "\n" not in str(failure.value)


def test_cached_files_are_read_from_keras_home(cache: Path) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(3, 28, 28), dtype=np.uint8)
    _write_fashion_mnist(cache, images=pixels.tobytes())

    train, test = downloads.load(downloads.FASHION_MNIST)

    np.testing.assert_array_equal(train, pixels)
    np.testing.assert_array_equal(test, pixels)


def test_a_keras_home_that_keras_passes_over_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_found() -> None:
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "missing"))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", not_found)

    with pytest.raises(DataError, match=r"make KERAS_HOME=\S+missing a folder that you can write to"):
        downloads.load(downloads.MNIST)


def test_keras_speaks_again_afterwards(cache: Path) -> None:
    for interactive in (True, False):
        (
            keras.config.enable_interactive_logging
            if interactive
            else keras.config.disable_interactive_logging
        )()
        with pytest.raises(DataError):
            downloads.load(downloads.MNIST)
        assert keras.config.is_interactive_logging_enabled() == interactive
    keras.config.enable_interactive_logging()


def test_one_process_at_a_time_reads_or_fills_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = Path(tempfile.gettempdir()) / f"studyhall-datasets-{os.getuid()}.lock"
    refused = []

    def load_data() -> Any:
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                refused.append(True)
        images = np.zeros((1, 28, 28), np.uint8)
        return (images, None), (images, None)

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    downloads.load(downloads.MNIST)
    downloads.load(downloads.MNIST)  # it was released

    assert refused == [True, True]
