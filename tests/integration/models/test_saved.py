"""Saved models, loaded by plain Keras in a process that knows nothing of studyhall."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from studyhall.models import SeparationHyperModel

LOAD = """
import sys
sys.modules["studyhall"] = None  # importing it would be an error
import keras
import numpy as np
folder = sys.argv[1]
assert keras.backend.backend() == sys.argv[2]
x = np.load(f"{folder}/x.npy")
for name in sys.argv[3:]:
    model = keras.models.load_model(f"{folder}/{name}.keras")
    assert model.optimizer is not None
    np.save(f"{folder}/{name}.{sys.argv[2]}.npy", keras.ops.convert_to_numpy(model(x, training=False)))
"""

# Of TensorFlow's variables under NumPy 2, whenever Keras saves one.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)

Saved = tuple[Path, dict[str, Any]]

SETTINGS: dict[str, dict[str, Any]] = {
    "consistent": {},
    "two-decoders": {"decoders": 2, "skips": False, "upsampling": "nearest", "activation": "leaky_relu"},
    "independent": {
        "head": "independent",
        "output_activation": "relu",
        "upsampling": "bilinear",
        "activation": "gelu",
    },
    "depthwise": {
        "head": "depthwise",
        "normalisation": "none",
        "upsampling": "transposed-3x3",
        "activation": "silu",
    },
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A folder of models, mixtures, and what the models said of them when they were saved."""
    folder = tmp_path_factory.mktemp("saved models")
    rng = np.random.default_rng(0)
    x = rng.random((8, 32, 32, 1), dtype="float32")
    np.save(folder / "x.npy", x)
    expected = {}
    for name, settings in SETTINGS.items():
        hypermodel = SeparationHyperModel(filters=4, pools=1, convolutions=1, **settings)
        model = hypermodel.build(keras_tuner.HyperParameters())
        model.optimizer.build(model.trainable_variables)
        for layer in model.layers:
            # As far from its initial ones as training takes it.
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        model.save(folder / f"{name}.keras")
        expected[name] = np.asarray(model(x, training=False))
    return folder, expected


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_saved_models_predict_the_same_without_studyhall(saved: Saved, backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder, expected = saved
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder), backend, *expected],
        check=False,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for name, predictions in expected.items():
        np.testing.assert_allclose(
            np.load(folder / f"{name}.{backend}.npy"), predictions, atol=1e-5, err_msg=name
        )
