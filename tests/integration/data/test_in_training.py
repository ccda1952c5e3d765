"""Training on mixture batches: what Keras really sees, epoch by epoch, under TensorFlow and under JAX.

Each backend needs a process of its own, which runs this file.
"""

import importlib.util
import json
import os
import random
import subprocess
import sys
from typing import Any

import pytest

EPOCHS = 4
BATCH = 8
SAMPLES = 36  # 4 batches of 8 and one of 4


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def seen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what `observe` saw under one backend."""
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install 'studyhall[{backend}]'")
    result = subprocess.run(
        [sys.executable, __file__],
        env=os.environ
        | {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
        | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    observed: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    assert observed["backend"] == backend
    return observed


def test_training_sees_each_epochs_own_batches_in_order(seen: dict[str, Any]) -> None:
    assert len(seen["expected"]) == EPOCHS
    assert len({tuple(epoch) for epoch in seen["expected"]}) == EPOCHS
    for epoch in range(EPOCHS):
        assert seen["whole"][epoch] == pytest.approx(seen["expected"][epoch], rel=1e-5)


def test_resumed_training_sees_what_it_would_have_seen(seen: dict[str, Any]) -> None:
    assert seen["resumed"] == seen["whole"][2:]


def test_resumed_training_ends_with_the_same_weights(seen: dict[str, Any]) -> None:
    assert seen["weights_resumed"] == seen["weights_whole"]
    assert seen["weights_whole"] != seen["weights_start"]


def test_validation_is_the_same_in_every_epoch(seen: dict[str, Any]) -> None:
    assert seen["validation"] == pytest.approx([seen["validation_expected"]] * EPOCHS, rel=1e-5)


def observe() -> dict[str, Any]:
    """Train two networks, whole and resumed at epoch 2; return what Keras saw and what it should have seen.

    The first returns zeros and never learns, so that its mean squared error tells exactly which sources it
    was given; the second learns.
    """
    import keras
    import numpy as np

    from studyhall.data.separation import TrainingData, load

    def data() -> TrainingData:
        return load("synthetic", "mean", SAMPLES, 16, 16, batch_size=BATCH, seed=5)

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        """Set the epoch as a trial does; note the mean loss up to each batch."""

        def __init__(self, batches: Any) -> None:
            super().__init__()
            self.batches = batches
            self.losses: list[list[float]] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.batches.set_epoch(epoch)
            self.losses.append([])

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.losses[-1].append(float(logs["loss"]))

    def fit(model: Any, first: int, last: int) -> tuple[list[list[float]], list[float]]:
        mixtures = data()
        watch = Watch(mixtures.train)
        random.seed(first)  # Keras shuffles batches by this, where it is allowed to
        history = model.fit(
            mixtures.train,
            validation_data=mixtures.validation,
            initial_epoch=first,
            epochs=last,
            shuffle=False,
            callbacks=[watch],
            verbose=0,
        )
        return watch.losses, history.history["val_loss"]

    def network(kernel: str, optimizer: Any) -> Any:
        keras.utils.set_random_seed(1)
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((32, 32, 1)),
                layers.Conv2D(2, 3, padding="same", activation="tanh", kernel_initializer=kernel),
                layers.Conv2D(2, 3, padding="same", kernel_initializer=kernel),
            ]
        )
        model.compile(optimizer=optimizer, loss="mse")
        return model

    def weights(model: Any) -> list[float]:
        return [float(value) for weight in model.get_weights() for value in np.ravel(weight)]

    expected = []
    mixtures = data()
    for epoch in range(EPOCHS):
        mixtures.train.set_epoch(epoch)
        sources = [y for _, y in mixtures.train]
        expected.append(
            [float(np.square(np.concatenate(sources[:end])).mean()) for end in range(1, len(sources) + 1)]
        )

    blind = network("zeros", keras.optimizers.SGD(0.0))
    whole, validation = fit(blind, 0, EPOCHS)
    resumed, _ = fit(blind, 2, EPOCHS)

    learning, continued = (network("glorot_uniform", keras.optimizers.Adam(1e-2)) for _ in range(2))
    start = weights(learning)
    fit(learning, 0, EPOCHS)
    fit(continued, 0, 2)
    fit(continued, 2, EPOCHS)
    return {
        "backend": keras.backend.backend(),
        "expected": expected,
        "whole": whole,
        "resumed": resumed,
        "validation": validation,
        "validation_expected": float(np.square(np.concatenate([y for _, y in mixtures.validation])).mean()),
        "weights_start": start,
        "weights_whole": weights(learning),
        "weights_resumed": weights(continued),
    }


if __name__ == "__main__":
    print(json.dumps(observe()))  # noqa: T201
