"""The pictures of a trained model, in files: its training history, and what it makes of test mixtures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studyhall.data.errors import DataError
from studyhall.data.sources import load_source
from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.for_study import OnSkip
from studyhall.search.figures.history import History, history_figure
from studyhall.search.figures.pairs import PAIRS, pairs_figure, separate_test_pairs
from studyhall.search.figures.style import FORMATS, save_as
from studyhall.search.scoring.model_files import load_separator
from studyhall.studies.bundle.manifest import HISTORY, MODEL
from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import BUILT_IN_SOURCES
from studyhall.studies.errors import BundleError, ModelFileError
from studyhall.studies.files import explain


def draw_bundle_figures(
    folder: Path,
    definition: Definition,
    to: Path | None = None,
    *,
    label: str = "",
    formats: Sequence[str] = FORMATS,
    pairs: int = PAIRS,
    on_skip: OnSkip | None = None,
) -> list[Path]:
    """Draw the training history and the separations of a model that a study has trained; loads it with Keras.

    Args:
        folder: Holds `model.keras` and `history.json`; a manifest is not needed.
        definition: The study's, for the objective and the data.
        to: The folder for the pictures, created where it is missing; by default `folder` itself.
        label: What to call the model, under the title; the study's name by default.
        formats: What each picture is written as: "png", "svg".
        pairs: How many test mixtures to separate, of which the best, the median and the worst are shown.
        on_skip: Hears of pictures that there is nothing to draw in, as for data of a person's own.

    Returns:
        The files: `history.*`, then `separations.*`.

    Raises:
        BundleError: `history.json` cannot be read.
        ArtifactError: A picture cannot be written.
    """
    to = folder if to is None else to
    written = draw_history(
        read_history(folder), definition, to, label=label, formats=formats, on_skip=on_skip
    )
    return written + draw_separations(
        folder / MODEL, definition, to, label=label, formats=formats, pairs=pairs, on_skip=on_skip
    )


def draw_history(
    history: History,
    definition: Definition,
    to: Path,
    *,
    label: str = "",
    formats: Sequence[str] = FORMATS,
    on_skip: OnSkip | None = None,
) -> list[Path]:
    """Draw a training history as `history.*`; see `draw_bundle_figures`."""
    objective = definition.objective
    try:
        figure = history_figure(
            history, objective.metric, direction=objective.direction, subtitle=label or definition.name
        )
    except NothingToDrawError as reason:
        _skip("history", reason, on_skip)
        return []
    return save_as(figure, to, "history", formats)


def draw_separations(
    model: Path,
    definition: Definition,
    to: Path,
    *,
    label: str = "",
    formats: Sequence[str] = FORMATS,
    pairs: int = PAIRS,
    on_skip: OnSkip | None = None,
) -> list[Path]:
    """Draw what a .keras file makes of test mixtures as `separations.*`; see `draw_bundle_figures`."""
    data = definition.data
    if data.source not in BUILT_IN_SOURCES:
        _skip("separations", f"'{data.source}' has no test images", on_skip)
        return []
    try:
        images = load_source(data.source).test
        shown = separate_test_pairs(load_separator(model), images, data.mix, pairs)
    except (
        DataError,
        ModelFileError,
    ) as reason:  # a study may train anything, and a machine may lack the data
        _skip("separations", reason, on_skip)
        return []
    figure = pairs_figure(shown, data.source, data.mix, label or definition.name)
    return save_as(figure, to, "separations", formats)


def read_history(folder: Path) -> dict[str, list[Any]]:
    """Read the `history.json` in a folder.

    Raises:
        BundleError: It is missing, or is not a list of numbers, or of lists of them, for each name.
    """
    path = folder / HISTORY
    try:
        content = json.loads(path.read_bytes())
        return {str(name): [_entry(value) for value in values] for name, values in content.items()}
    except OSError as error:
        raise BundleError(f"Cannot read {str(path)!r}: {explain(error)}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BundleError(f"{str(path)!r} is not a training history. Fetch the bundle again.") from error


def _entry(value: Any) -> Any:
    if value is None or isinstance(value, list):
        return value
    return float(value)


def _skip(name: str, reason: object, on_skip: OnSkip | None) -> None:
    if on_skip is not None:
        on_skip(f"{name} is left out: {reason}")
