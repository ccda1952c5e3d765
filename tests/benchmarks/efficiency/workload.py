"""The workload that every search gets: one HyperModel, its data, the epochs of a trial, and Keras's
callbacks.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from studyhall.search.user.workload import Workload, load_workload
from studyhall.studies.definition import Definition
from studyhall.studies.study_file.loading import define

EPOCHS = 4
METRIC = "val_loss"

_SPACE: dict[str, Any] = {
    "filters": [4, 8, 16],
    "pools": {"min": 1, "max": 3},
    "convolutions": 2,
    "activation": ["relu", "sigmoid", "tanh", "leaky_relu"],
    "normalisation": "batch",
    "upsampling": "transposed-3x3",
    "output_activation": "sigmoid",
    "head": "independent",
    "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
}
# What a HyperModel that names no defaults begins with: the first choice, the least number.
BLIND: dict[str, Any] = {
    "filters": {"values": [4, 8, 16], "default": 4},
    "pools": {"min": 1, "max": 3, "default": 1},
    "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True, "default": 1e-4},
}
# Seed 002's space, scaled to two cores.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "independent": _SPACE,
    "heads": _SPACE | {"head": ["consistent", "independent"]},
}


def definition(
    variant: str, seed: int, trials: int, folder: Path, others: Mapping[str, Any] = MappingProxyType({})
) -> Definition:
    """Return the study of a variant, with some other arguments; sampler and pruner are Studyhall's
    defaults.
    """
    return define(
        {
            "name": f"{variant}-{seed}",
            "storage": {"url": f"sqlite:///{folder}/studies.db", "artifacts": str(folder / "artifacts")},
            "hypermodel": {
                "path": "studyhall.models:SeparationHyperModel",
                "arguments": {**ARGUMENTS[variant], **others},
            },
            "data": {"samples_per_epoch": 1024, "validation_samples": 512, "validation_images": 5000},
            "search": {"trials": trials, "seed": seed},
            "training": {
                "epochs": EPOCHS,
                "batch_size": 32,
                "early_stopping": {"patience": 2},
                "reduce_learning_rate": {"factor": 0.5, "patience": 1},
            },
        },
        folder,
    )


def workload(variant: str, seed: int, folder: Path) -> Workload:
    """Load the HyperModel and the data of a variant."""
    return load_workload(definition(variant, seed, 1, folder))


def rules() -> list[Any]:
    """Return Keras's callbacks with the numbers of `definition`."""
    import keras

    return [
        keras.callbacks.EarlyStopping(METRIC, patience=2),
        keras.callbacks.ReduceLROnPlateau(METRIC, factor=0.5, patience=1, min_lr=1e-6),
    ]
