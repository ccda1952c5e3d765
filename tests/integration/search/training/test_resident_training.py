"""Training on images that lie on the device: the same mixtures, curves and models, under TensorFlow and under
JAX.

TensorFlow runs in this process; JAX needs one of its own, which runs this file.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from studyhall.data.mixtures import MIXES, compose
from studyhall.data.resident import ResidentBatches, compose_on_device
from studyhall.data.separation import TrainingData, load
from studyhall.search.devices.setup import Feeding, feeding
from studyhall.search.training import resident
from studyhall.search.training.fit import (
    Checkpoints,
    Fitted,
    TrainingPlan,
    account_of,
    batches_on_device,
    fit,
)
from studyhall.search.training.result import Objective

BATCH = 8
EPOCHS = 3
ON_DEVICE = Feeding(resident=True, most_mixtures=2 * BATCH)


def data(samples: int = 36) -> TrainingData:
    """36 mixtures to train on, 4 batches of 8 and one of 4; 16 to validate on."""
    return load("synthetic", "mean", samples, 16, 16, batch_size=BATCH, seed=5)


class HyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """A small network whose normalisation and metric have a state."""

    def build(self, hp: Any, **compilation: Any) -> Any:
        keras.utils.set_random_seed(1)
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((32, 32, 1)),
                layers.Conv2D(2, 3, padding="same", use_bias=False),  # a bias would learn from rounding alone
                layers.BatchNormalization(momentum=0.9),
                layers.Dropout(0.1),
                layers.Conv2D(2, 1),
            ]
        )
        options = {"jit_compile": "auto" if keras.backend.backend() == "jax" else False} | compilation
        model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"], **options)
        return model


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what `observe` saw under one backend."""
    scratch = tmp_path_factory.mktemp("resident")
    if request.param == keras.backend.backend():
        with pytest.MonkeyPatch.context() as patch:
            return observe(patch, scratch)
    result = subprocess.run(
        [sys.executable, __file__, str(scratch)],
        env=os.environ | {"KERAS_BACKEND": request.param, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    observed: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return observed


def observe(patch: pytest.MonkeyPatch, scratch: Path) -> dict[str, Any]:
    """Train one network fed by the host, on the device, and on the device from the second epoch's checkpoint
    on.
    """
    hypermodel = HyperModel()

    def train(checkpoints: Checkpoints | None = None) -> tuple[Fitted, Any]:
        mixtures, model = data(), hypermodel.build(None)
        plan = TrainingPlan((Objective("val_loss", "minimize"),), EPOCHS)
        account = account_of(hypermodel, plan)
        train, validation = mixtures.train, mixtures.validation
        together = batches_on_device(hypermodel, model, train, validation)
        return fit(
            hypermodel, None, model, train, validation, plan, account, together, (), checkpoints
        ), model

    kept = scratch / "kept.npz"

    def keep(epochs: int, path: Path) -> None:
        if epochs == 2:
            kept.write_bytes(path.read_bytes())

    host, _ = train()
    patch.setattr(resident, "feeding", lambda gpu: ON_DEVICE)
    device, model = train(Checkpoints(None, keep, scratch))
    resumed, _ = train(Checkpoints(kept, lambda epochs, path: None, scratch))

    path = scratch / "model.keras"
    model.save(path)
    mixtures = data()
    return {
        "backend": keras.backend.backend(),
        "composed": {mix: composed_alike(mix) for mix in MIXES},
        "host": host.history,
        "device": device.history,
        "resumed": resumed.history,
        "difference": max(
            float(np.abs(a - b).max()) for a, b in zip(host.weights, device.weights, strict=True)
        ),
        "changed": [name for name in ("train_step", "test_step") if name in vars(model)],
        "steps_per_execution": model.steps_per_execution,
        "loaded": keras.models.load_model(path).evaluate(mixtures.validation, verbose=0, return_dict=True)[
            "loss"
        ],
    }


def composed_alike(mix: str) -> bool:
    """Whether a batch composed on the device is the one that the host composes, bit by bit."""
    mixtures = data().train
    batches = ResidentBatches(mixtures)
    pairs = mixtures.pairs[:BATCH]
    found = compose_on_device(
        batches.digits, batches.items, keras.ops.convert_to_tensor(pairs.astype(np.int32)), mix
    )
    images = mixtures.images
    expected = compose(images.digits[pairs[:, 0]], images.items[pairs[:, 1]], mix)
    return all(np.array_equal(keras.ops.convert_to_numpy(a), b) for a, b in zip(found, expected, strict=True))


def test_device_composes_the_hosts_mixtures_bit_by_bit(seen: dict[str, Any]) -> None:
    assert seen["composed"] == dict.fromkeys(MIXES, True)


def test_curves_are_those_of_the_host(seen: dict[str, Any]) -> None:
    assert set(seen["device"]) == set(seen["host"])
    assert {"loss", "val_loss", "mae", "val_mae"} <= set(seen["device"])
    for name, values in seen["host"].items():
        assert seen["device"][name] == pytest.approx(values, rel=1e-4), name
    assert seen["difference"] < 1e-3


def test_resumed_training_goes_on_value_for_value(seen: dict[str, Any]) -> None:
    assert seen["resumed"] == seen["device"]


def test_model_is_as_before_and_its_file_loads_in_safe_mode(seen: dict[str, Any]) -> None:
    assert seen["changed"] == []
    assert seen["steps_per_execution"] == 1
    assert seen["loaded"] == pytest.approx(seen["device"]["val_loss"][-1], rel=1e-4)


@pytest.mark.parametrize(
    ("samples", "most", "together", "shapes"),
    [
        (36, 2, 2, [(8, 2, 2), (8, 2, 2), (4, 1, 2)]),
        (24, 2, 1, [(8, 1, 2)] * 3),  # 2 do not divide 3
        (24, 9, 3, [(8, 3, 2)]),
        (5, 4, 1, [(5, 1, 2)]),
    ],
)
def test_items_hold_whole_batches_in_their_order(
    samples: int, most: int, together: int, shapes: list[tuple[int, ...]]
) -> None:
    mixtures = data(samples).train
    batches = ResidentBatches(mixtures, most)
    assert batches.together == together
    items = [batches[index][0] for index in range(len(batches))]
    assert [item.shape for item in items] == shapes
    order = np.concatenate([item.swapaxes(0, 1).reshape(-1, 2) for item in items])
    assert np.array_equal(order, mixtures.pairs)


def together(model: Any, hypermodel: Any = None, train: Any = None) -> int:
    mixtures = data()
    return batches_on_device(hypermodel or HyperModel(), model, train or mixtures.train, mixtures.validation)


def test_what_is_the_users_own_stays_with_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "feeding", lambda gpu: ON_DEVICE)
    model = HyperModel().build(None)
    assert together(model) == 2

    class OwnFit(HyperModel):
        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, **kwargs)

    class OwnStep(keras.Sequential):  # type: ignore[misc]
        def train_step(self, *data: Any) -> Any:
            return super().train_step(*data)

    assert together(model, hypermodel=OwnFit()) == 0
    assert together(model, train=(np.zeros((1, 32, 32, 1)), np.zeros((1, 32, 32, 2)))) == 0
    own_step = OwnStep(model.layers)
    own_step.compile("adam", "mse")
    assert together(own_step) == 0
    assert together(HyperModel().build(None, steps_per_execution=4)) == 0
    assert together(HyperModel().build(None, run_eagerly=True, jit_compile=False)) == 0


def test_only_a_gpu_is_fed_from_its_own_memory() -> None:
    assert not feeding(None).resident
    assert feeding((9, 0)).resident


def test_trial_records_how_it_was_fed() -> None:
    assert resident.facts(0) == {"input": "host", "batches_per_execution": 1}
    assert resident.facts(16) == {"input": "device", "batches_per_execution": 16}


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as outside:
        print(json.dumps(observe(outside, Path(sys.argv[1]))))  # noqa: T201
