"""A separator: a Keras model, asked for both sources of a mixture whatever its output layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studyhall.data.mixtures import Mix
from studyhall.studies.errors import ModelFileError
from studyhall.studies.one_line import reason, shown

Array = NDArray[np.float32]

BATCH_SIZE = 250  # mixtures at once: 128 filters at 32x32 in float32 are then 131 MB


class Layout(StrEnum):
    """How a model returns the digit and the item; the first is always the digit, and so is the left one."""

    CHANNELS = "one output of two channels"
    PAIR = "two outputs"
    SIDE_BY_SIDE = "side by side (32x64)"


@dataclass(frozen=True)
class Separator:
    """A model with the layout that it was found to have; `mix` is how the mixtures it knows were mixed."""

    path: Path
    mix: Mix
    layout: Layout
    parameters: int
    model: Any

    def separate(self, x: Array, batch_size: int = BATCH_SIZE) -> Array:
        """Separate mixtures, float32 (n, 32, 32, 1), into float32 (n, 32, 32, 2): the digit, then the item.

        Raises:
            ModelFileError: The model fails on a batch, or returns values that are not finite.
        """
        separated = np.empty((len(x), 32, 32, 2), np.float32)
        for start in range(0, len(x), batch_size):
            batch = slice(start, start + batch_size)
            separated[batch] = _answer(self.path, self.model, x[batch])[1]
        return separated


def separator_of(model: Any, path: Path, mix: Mix = "mean") -> Separator:
    """Wrap a Keras model, learning its layout from one black mixture; `path` names it in messages.

    Raises:
        ModelFileError: It does not take mixtures (n, 32, 32, 1), or returns none of the known layouts.
    """
    takes = getattr(model, "input_shape", None)  # None too where a Sequential was saved without one
    if takes is not None and not _takes_mixtures(takes):
        raise ModelFileError(f"{shown(path)} takes {takes}; a separator takes mixtures of (None, 32, 32, 1).")
    layout, _ = _answer(path, model, np.zeros((1, 32, 32, 1), np.float32))
    return Separator(path, mix, layout, int(model.count_params()), model)


def _takes_mixtures(shape: Any) -> bool:
    """Whether an input shape (a list or dictionary where there are several inputs) admits (n, 32, 32, 1)."""
    sizes = list(shape)
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = list(sizes[0])
    if len(sizes) == 3:  # Keras drops the channel itself
        sizes.append(1)
    return len(sizes) == 4 and all(
        size in (None, side) for size, side in zip(sizes[1:], (32, 32, 1), strict=True)
    )


def _answer(path: Path, model: Any, x: Array) -> tuple[Layout, Array]:
    """The model's layout, and its answer to mixtures `x` as float32 (n, 32, 32, 2)."""
    try:
        outputs = model.predict_on_batch(x)
    except Exception as error:
        raise ModelFileError(
            f"{shown(path)} fails on a batch of {len(x)} mixtures, {x.shape}: {reason(error)}. "
            "Out of memory, smaller batches help; otherwise save the model again with a current Keras."
        ) from error
    layout, separated = _arranged(path, outputs)
    if not np.isfinite(separated).all():
        raise ModelFileError(
            f"{shown(path)} returns values that are not finite: its weights are broken; train it again."
        )
    return layout, separated


def _arranged(path: Path, outputs: Any) -> tuple[Layout, Array]:
    names: list[str] = []
    if isinstance(outputs, Mapping):
        names = sorted(outputs)
        outputs = [outputs[name] for name in names]  # sorted: "digit" comes before "item"
    maps = [
        np.asarray(each, np.float32) for each in (outputs if isinstance(outputs, list | tuple) else [outputs])
    ]
    shapes = [each.shape[1:] for each in maps]
    if shapes == [(32, 32, 2)]:
        return Layout.CHANNELS, maps[0]
    if shapes in ([(32, 64)], [(32, 64, 1)]):
        whole = maps[0].reshape(-1, 32, 64)
        return Layout.SIDE_BY_SIDE, np.stack([whole[:, :, :32], whole[:, :, 32:]], axis=-1)
    two = len(shapes) == 2 and all(shape in ((32, 32), (32, 32, 1)) for shape in shapes)
    if two and names in ([], ["digit", "item"]):
        return Layout.PAIR, np.stack([each.reshape(-1, 32, 32) for each in maps], axis=-1)
    found = " and ".join("x".join(map(str, shape)) or "a number" for shape in shapes) or "nothing"
    named = f" named {', '.join(names)}" if names else ""
    raise ModelFileError(
        f"{shown(path)} returns {found}{named}; a separator returns 32x32x2, or two outputs of 32x32 "
        '(the digit first; a dictionary names them "digit" and "item"), or both side by side, 32x64.'
    )
