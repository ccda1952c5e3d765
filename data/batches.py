"""The batches: mixtures in the portions that Keras trains on, under whichever backend."""

import math

import keras
import numpy as np
from numpy.typing import NDArray

from studyhall.data.errors import DataError
from studyhall.data.mixtures import check_mix, compose, draw_pairs, generator
from studyhall.data.sources import Images


class MixtureBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """An epoch of freshly drawn mixtures, batch by batch; the same again for the same seed, stream and epoch.

    An epoch's pairs are drawn at once, when the epoch is set, so a batch depends on nothing that happened
    before: training that goes on from epoch 3 sees what it would have seen. The batch size decides only where
    the draw is cut. Every batch is a new array, since a backend may keep the one before.

    Nobody may count epochs but the training loop: Keras calls `on_epoch_end` also where no epoch ended, so
    call `set_epoch` from a callback's `on_epoch_begin`, which comes before Keras asks for the epoch's first
    batch. Call `fit(..., shuffle=False)`, since Keras's default reorders the batches by the global state of
    `random`.

    Args:
        images: The split to draw from.
        mix: `mean` or `sum`.
        batch_size: Mixtures in a batch, at least 1.
        samples: Mixtures in an epoch, at least 1; the last batch holds what is left.
        seed: At least 0.
        stream: What the draws are for, such as `train`; streams of one seed differ.

    Raises:
        DataError: If an argument is none of those.
    """

    def __init__(
        self, images: Images, *, mix: str, batch_size: int, samples: int, seed: int, stream: str
    ) -> None:
        super().__init__()  # one worker: batches are made in Keras's own reading thread
        check_mix(mix)
        if batch_size < 1 or samples < 1:
            raise DataError(f"batch_size = {batch_size}, samples = {samples}: both must be at least 1.")
        self.images = images
        self.mix = mix
        self.batch_size = batch_size
        self.samples = samples
        self.seed = seed
        self.stream = stream
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the pairs of an epoch, from 0; the batches that follow are that epoch's."""
        digits, items = draw_pairs(generator(self.seed, self.stream, epoch), self.images, self.samples)
        self.epoch = epoch
        # One assignment: a thread that is still reading finds one epoch's pairs or the other's, never half of
        # each.
        self.pairs = np.stack([digits, items], axis=1)  # int64 (samples, 2)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(self.samples / self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return batch `index`: mixtures (b, 32, 32, 1) and sources (b, 32, 32, 2), as from `compose`."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        digits, items = self.pairs[index * self.batch_size : (index + 1) * self.batch_size].T
        return compose(self.images.digits[digits], self.images.items[items], self.mix)
