"""The downloads: MNIST and Fashion-MNIST as Keras fetches, checks and caches them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from studyhall.data.errors import DownloadError


@dataclass(frozen=True)
class Dataset:
    """A data set that Keras knows.

    Args:
        title: Its name for people.
        module: Its module in `keras.datasets`.
        files: Where Keras caches it, relative to the cache's `datasets` folder.
    """

    title: str
    module: str
    files: tuple[str, ...]


MNIST = Dataset("MNIST", "mnist", ("mnist.npz",))
FASHION_MNIST = Dataset(
    "Fashion-MNIST",
    "fashion_mnist",
    tuple(
        f"fashion-mnist/{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ),
)


def load(dataset: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a data set's training and test images, each uint8 (n, 28, 28), without a word on the terminal.

    They come from Keras's cache (`$KERAS_HOME/datasets`, else `~/.keras/datasets`; Keras reads the variable
    when it is imported), or are downloaded into it. Keras checks MNIST's SHA-256; it has no checksum for
    Fashion-MNIST.

    Raises:
        DownloadError: If the files are neither cached nor can be downloaded, or are damaged.
    """
    import keras

    folder = _cache() / "datasets"
    cached = all((folder / file).exists() for file in dataset.files)
    try:
        with _one_process_at_a_time(), _silent(keras):
            (train, _), (test, _) = getattr(keras.datasets, dataset.module).load_data()
    except Exception as error:  # Keras raises Exception itself when a download fails
        raise DownloadError(_explanation(dataset, folder, cached, error)) from error
    return train, test


def _cache() -> Path:
    """Return the folder that Keras will use: never one that this process cannot write to."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    return home if os.access(home, os.W_OK) else Path("/tmp/.keras")


def _one_process_at_a_time() -> FileLock:
    """Keep this user's other workers waiting: Keras downloads in place, and they would read half a file."""
    return FileLock(Path(tempfile.gettempdir()) / f"studyhall-datasets-{os.getuid()}.lock")


@contextmanager
def _silent(keras: Any) -> Iterator[None]:
    """Keep Keras's download messages and bars off the terminal."""
    interactive = keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if interactive:
            keras.config.enable_interactive_logging()


def _explanation(dataset: Dataset, folder: Path, cached: bool, error: Exception) -> str:
    """Return one line: what is wrong with a data set, and each way out."""
    reason = " ".join(str(error).split()) or type(error).__name__
    files = f"datasets/{dataset.files[0]}" + (
        f" and {len(dataset.files) - 1} more" if len(dataset.files) > 1 else ""
    )
    others = f'set KERAS_HOME to a folder that holds {files}, or choose source = "synthetic".'
    ignored = os.environ.get("KERAS_HOME")
    if ignored and folder != Path(ignored).expanduser() / "datasets":
        others = (
            f"make KERAS_HOME={ignored} a folder that you can write to (Keras ignores others), or {others}"
        )
    if cached:
        return (
            f"{dataset.title} in {folder} is damaged or unreadable ({reason}): "
            f"delete its files there and connect to a network to download them again, or {others}"
        )
    return f"{dataset.title} is not in {folder} and cannot be downloaded ({reason}): connect to a network, or {others}"
