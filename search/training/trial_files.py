"""The files that a completed trial shows people: its history, and what its model makes of a few examples."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from studyhall.search.core.handle import TrialHandle
from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.predictions import predictions_png
from studyhall.search.user.examples import Examples, is_array
from studyhall.studies.bundle.manifest import HISTORY
from studyhall.studies.database.attributes import PREDICTIONS
from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import BUILT_IN_SOURCES
from studyhall.studies.errors import LeaseLostError, StorageError
from studyhall.studies.json_text import to_json

EXAMPLES = 6
SOURCES = ("digit", "item")

_log = logging.getLogger(__name__)


def show_history(handle: TrialHandle, definition: Definition, history: Mapping[str, Sequence[Any]]) -> None:
    """Attach what every epoch reported to the trial, unless the definition wants no files."""
    if definition.search.figures:
        handle.attach(HISTORY, to_json(history, indent=1).encode())


def show_files(
    handle: TrialHandle,
    definition: Definition,
    model: Any,
    examples: Examples,
    history: Mapping[str, Sequence[Any]],
) -> None:
    """Attach them to the trial, unless the definition wants none.

    Whatever goes wrong with them, the trial goes on.

    Args:
        handle: The trial.
        definition: Its study's.
        model: The trained model, with the weights to show.
        examples: The trial's data; the first validation examples are shown, so that all trials show the same.
        history: A number per epoch for each name that training reports.
    """
    if not definition.search.figures:
        return
    try:
        show_history(handle, definition, history)
        names = SOURCES if definition.data.source in BUILT_IN_SOURCES else ()
        picture = predictions(model, examples.validation, names)
        if picture is not None:
            handle.attach(PREDICTIONS, picture)
    except (LeaseLostError, StorageError):
        raise  # the worker's own matter
    except Exception:  # noqa: BLE001 - a user's model may raise anything where it is called in another way than in fit()
        _log.warning("trial %d shows no predictions", handle.number, exc_info=True)


def predictions(model: Any, validation: Any, names: Sequence[str] = ()) -> bytes | None:
    """Return a PNG of what a model makes of the first validation examples; None where that is no picture.

    Only arrays and PyDatasets are looked into: to begin another kind of data set anew may cost minutes.
    """
    first = _first(validation)
    if first is None:
        return None
    x, y = first
    # Each in the way that compiles least: TensorFlow no graph at all, JAX one instead of each operation's.
    eager = keras.backend.backend() == "tensorflow"
    outputs = keras.tree.flatten(model(x, training=False) if eager else model.predict_on_batch(x))
    targets = keras.tree.flatten(y)
    if len(outputs) != len(targets):
        return None
    arrays = [np.asarray(keras.ops.convert_to_numpy(each), np.float32) for each in (*targets, *outputs)]
    try:
        wanted, found = (_joined(part) for part in (arrays[: len(targets)], arrays[len(targets) :]))
        return predictions_png(np.asarray(x, np.float32), wanted, found, names)
    except NothingToDrawError:
        return None


def _first(validation: Any) -> tuple[Any, Any] | None:
    """Return the first examples, an array, and their targets; None where there are none to be had."""
    if isinstance(validation, keras.utils.PyDataset):
        validation = validation[0]
    if not isinstance(validation, tuple | list) or len(validation) < 2:
        return None
    x, y = validation[:2]
    if not is_array(x) or not all(map(is_array, keras.tree.flatten(y))):
        return None
    return x[:EXAMPLES], keras.tree.map_structure(lambda array: array[:EXAMPLES], y)


def _joined(maps: Sequence[Any]) -> Any:
    """Return the outputs of a model that has several as the channels of one image."""
    if len(maps) == 1:
        return maps[0]
    images = [each[..., np.newaxis] if each.ndim == 3 else each for each in maps]
    if any(each.ndim != 4 or each.shape[:3] != images[0].shape[:3] for each in images):
        raise NothingToDrawError("they are not images of one size")
    return np.concatenate(images, axis=-1)
