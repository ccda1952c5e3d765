"""What every tier of tests shares: the real data where it is at hand, and quiet, single-threaded training."""

import os
import sys
from pathlib import Path

import pytest

# Read when TensorFlow is first imported, by this process or by one that a test starts.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture
def real_keras_home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A KERAS_HOME that holds the real MNIST and Fashion-MNIST files, or a skip where none is at hand."""
    candidates = [Path(home)] if (home := os.environ.get("KERAS_HOME")) else []
    candidates.append(REPOSITORY.parent / "shared" / "keras")
    for candidate in candidates:
        if (candidate / "datasets" / "mnist.npz").is_file():
            monkeypatch.setenv("KERAS_HOME", str(candidate))
            # Keras reads the variable when it is imported, which another test may have done.
            if "keras.src.backend.config" in sys.modules:
                monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(candidate))
            return candidate
    pytest.skip(
        "no real data: set KERAS_HOME to a folder with datasets/mnist.npz and datasets/fashion-mnist/"
    )
