"""Arrays that hold NaN or infinities: a rehearsal trains on those examples and says where they are."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from studyhall.search.user.examples import Examples, is_arrays

VALUES = 2**22  # that are looked at together
SECONDS = 10.0


@dataclass(frozen=True)
class Spot:
    """The first example of some arrays that holds what is not finite; `index` counts from 0."""

    array: str
    index: int
    value: float
    purpose: str

    def __str__(self) -> str:
        return f"{self.array}[{self.index}] {self.purpose} holds {self.value}"


def beginning_with_spots(examples: Examples) -> tuple[Examples, list[Spot]]:
    """Return examples that begin with the batch of the first one that is not finite, and which those are.

    A model may well be made for NaN, so that only training tells whether it can work. Arrays alone are looked
    through, for a few seconds at most; the rest is returned as it is.
    """
    until, size = time.monotonic() + SECONDS, examples.batch_size or 32
    targets = {name: each for name, each in examples.fit_arguments.items() if name != "batch_size"}
    spots = []
    if is_arrays(examples.train) and (
        spot := _first_spot({"x": examples.train, **targets}, "to train on", until)
    ):
        spots.append(spot)
        begin = spot.index // size * size
        targets = {name: _from(each, begin) for name, each in targets.items()}
        arguments = {**examples.fit_arguments, **targets}
        examples = replace(examples, train=_from(examples.train, begin), fit_arguments=arguments)
    held = examples.validation
    if isinstance(held, tuple) and all(each is None or is_arrays(each) for each in held):
        named = dict(zip(("x", "y", "sample_weight"), held, strict=False))
        if spot := _first_spot(named, "to validate on", until):
            spots.append(spot)
            validation = tuple(_from(each, spot.index // size * size) for each in held)
            examples = replace(examples, validation=validation)
    return examples, spots


def remedy(spots: Sequence[Spot]) -> str:
    """Return what to do about a loss that is not finite."""
    if spots:
        return f"{spots[0]}; see that the data hold no NaN"
    return "see that the data hold no NaN, and that the default learning rate is small enough"


def _from(arrays: Any, begin: int) -> Any:
    return keras.tree.map_structure(lambda each: None if each is None else each[begin:], arrays)


def _first_spot(named: Mapping[str, Any], purpose: str, until: float) -> Spot | None:
    found: Spot | None = None
    for name, arrays in named.items():
        for array in keras.tree.flatten(arrays):
            spot = None if array is None else _spot_in(array, until)
            if spot is not None and (found is None or spot[0] < found.index):
                found = Spot(name, *spot, purpose)
    return found


def _spot_in(array: Any, until: float) -> tuple[int, float] | None:
    """Return the index of the first example that is not finite, and its first such value."""
    count = int(array.shape[0])
    rows = max(1, VALUES // max(1, math.prod(map(int, array.shape[1:]))))
    for begin in range(0, count, rows):
        part = array[begin : begin + rows]
        part = keras.ops.convert_to_numpy(part) if keras.ops.is_tensor(part) else np.asarray(part)
        if part.dtype.kind != "f" or time.monotonic() > until:
            return None
        if not np.isfinite(part).all():
            flat = part.reshape(len(part), -1)
            index = int(np.flatnonzero(~np.isfinite(flat).all(axis=1))[0])
            return begin + index, float(flat[index][~np.isfinite(flat[index])][0])
    return None
