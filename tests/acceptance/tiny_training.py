"""A separator that is really trained, in a second: its model, its history and its pictures."""

import json
from dataclasses import dataclass
from pathlib import Path

from studyhall.data.separation import load
from studyhall.models.architecture import Architecture
from studyhall.models.network import build_network
from studyhall.search.figures.for_bundle import draw_bundle_figures
from studyhall.search.training.trial_files import predictions
from studyhall.studies.definition import Definition


@dataclass(frozen=True)
class TinyTraining:
    """What it came to: `val_loss` of each epoch, the parameters' number, and a PNG of predictions.

    The folder holds `model.keras`, `history.json`, `history.png` and `separations.png`.
    """

    folder: Path
    val_loss: list[float]
    parameters: int
    fingerprint: str
    predictions: bytes


def train(folder: Path, definition: Definition, epochs: int) -> TinyTraining:
    """Train on the definition's drawn images; leave a bundle's files in a new folder."""
    folder.mkdir()
    data = load("synthetic", definition.data.mix, 64, 16, 16, batch_size=16, seed=0)
    model = build_network(Architecture(filters=2, pools=1, convolutions=1))
    model.compile(optimizer="adam", loss="mse", run_eagerly=True)
    history = model.fit(
        data.train, validation_data=data.validation, epochs=epochs, shuffle=False, verbose=0
    ).history
    model.save(folder / "model.keras")
    (folder / "history.json").write_text(json.dumps(history))
    draw_bundle_figures(folder, definition, formats=["png"])
    drawn = predictions(model, data.validation)
    assert drawn is not None
    return TinyTraining(folder, history["val_loss"], model.count_params(), data.fingerprint, drawn)
