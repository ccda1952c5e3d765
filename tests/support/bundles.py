"""What tests publish."""

from studyhall.studies.bundle.fetching import Facts

FACTS = Facts(
    study="bss",
    definition={"name": "bss", "training": {"epochs": 3}},
    signature="abc",
    hyperparameters={"filters": 8, "rate": 1e-3, "activation": "relu", "norm": True},
    source="retrained",
    why="its validation error is lower",
    trial=4,
    parameters=29_762,
    seeds={"study": 0, "training": 7},
    data_fingerprint="f00",
    versions={"keras": "3.15.1"},
    revision=None,
    backend="tensorflow",
    device="cpu",
    metrics={"validation": 0.0017, "test": {"mean": 0.0018, "std": 7e-6}},
)
"""What the manifest of a bundle says of its model."""
