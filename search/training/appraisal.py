"""The appraisal of a trained model before it is published: its score, and its pictures."""

from pathlib import Path
from typing import Any

from studyhall.search.figures.for_bundle import draw_bundle_figures
from studyhall.search.scoring.evaluation import evaluate_model
from studyhall.studies.bundle.manifest import MODEL
from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import BUILT_IN_SOURCES
from studyhall.studies.errors import ModelFileError


def appraise(folder: Path, definition: Definition) -> dict[str, Any] | None:
    """Score a model by the protocol, on the test split, and draw its history and separations beside it.

    Args:
        folder: Holds `model.keras` and `history.json`; `history.png` and `separations.png` join them.
        definition: The study's.

    Returns:
        The evaluation as JSON values; None where the protocol says nothing: the data are the user's own, or
        the model is no separator.
    """
    draw_bundle_figures(folder, definition, formats=("png",))
    if definition.data.source not in BUILT_IN_SOURCES:
        return None
    try:
        return evaluate_model(
            folder / MODEL,
            definition.data.mix,
            source=definition.data.source,
            # Its author's code has built it in this process.
            allow_code=True,
        ).to_record()
    except ModelFileError:
        return None
