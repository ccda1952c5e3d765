"""What a training of a few batches is watched by, which only shows whether it works."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from studyhall.search.user.errors import broken
from studyhall.search.user.examples import Examples

_UNKNOWN = -2  # what tf.data calls a cardinality that it cannot tell
END_SECONDS = 10.0  # for which an end of data of unknown length is awaited


class EpochBatches(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the batches of each epoch of the first `fit`."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []
        self._fits = 0

    @property
    def first(self) -> int | None:
        """The batches of the first epoch; None where no epoch began."""
        return self.counts[0] if self.counts else None

    @property
    def is_used_up(self) -> bool:
        """Whether a later epoch found no batch though the first one did."""
        return bool(self.first) and 0 in self.counts[1:]

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._fits += 1

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._fits == 1:
            self.counts.append(0)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._fits == 1 and self.counts:
            self.counts[-1] += 1


class StopAfter(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training, and its epoch, after a number of batches: the user's own `fit` may ask for more."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self._batches = batches

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if batch + 1 >= self._batches:
            self.model.stop_training = True


def is_used_up_by_a_pass(data: Any, seconds: float = 10.0) -> bool:
    """Whether a `tf.data.Dataset` of unknown length gives nothing when it is read for the second time.

    One that does not begin with the same batch each time is read to its end, if that takes no longer than
    `seconds`.
    """
    cardinality = getattr(data, "cardinality", None)
    if not callable(cardinality) or int(cardinality()) != _UNKNOWN:
        return False
    first, second = next(iter(data), None), next(iter(data), None)
    if first is not None and second is not None and _same(first, second):
        return False
    until = time.monotonic() + seconds
    for _ in data:
        if time.monotonic() > until:
            return False
    return next(iter(data), None) is None


def without_an_end(examples: Examples) -> list[str]:
    """Return, in words, which data sets of unknown length came to no end in a while.

    Some may only be long.
    """
    found = []
    for data, purpose in ((examples.train, "to train on"), (examples.validation, "to validate on")):
        cardinality = getattr(data, "cardinality", None)
        if not callable(cardinality) or int(cardinality()) != _UNKNOWN:
            continue
        until = time.monotonic() + END_SECONDS
        for count, _ in enumerate(data, 1):
            if time.monotonic() > until:
                found.append(f"{count:,} batches {purpose} came in {END_SECONDS:g} s, and no end")
                break
    return found


@contextmanager
def blamed_on_data(examples: Examples, source: str, folder: Path) -> Iterator[None]:
    """Say of an error that a PyDataset raised that the data fail, and where, whatever Keras made of it.

    Args:
        examples: those of `first_batches`.
        source: the definition's name of the data.
        folder: the folder of the user's code.
    """
    try:
        yield
    except Exception as error:
        for data, purpose in ((examples.train, "to train on"), (examples.validation, "to validate on")):
            failure = getattr(data, "failure", None)
            if failure is not None:
                again = "once, and not again in the next epoch" if failure.was_given else "not at all"
                complaint = f"'{source}' gives batch {failure.index} {purpose} {again}"
                raise broken(complaint, failure.error, folder) from error
        raise


def _same(one: Any, other: Any) -> bool:
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)
