"""The resident batches: pairs of indices for a device that holds the images and composes the mixtures."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from studyhall.data.batches import MixtureBatches
from studyhall.data.mixtures import PADDING

# A division would differ in the last bit: compilers multiply by the reciprocal.
_LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)


class ResidentBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Another's batches, in its order, as indices of images that lie on the device as uint8.

    An item is a tuple. Its first is int32 (b, s, 2), s batches of b pairs: `[:, i, 0]` are the digits and
    `[:, i, 1]` the items of the batch i. Under JAX the digits and the items, uint8 (n, 28, 28) on the device,
    follow: its compiled steps would copy what they do not take as an argument. TensorFlow's refer to `digits`
    and `items`, and copy what they take.

    All items have as many batches (so that there is one shape to compile), except for the last batch if it is
    a smaller one.

    Args:
        batches: The batches, whose epoch is set through this.
        together: `s` at most, at least 1; it is the largest that divides their number.
    """

    def __init__(self, batches: MixtureBatches, together: int = 1) -> None:
        super().__init__()
        self.batches = batches
        self.batch_size = batches.batch_size
        self.together = largest_share(batches, together)
        self.digits = ops.convert_to_tensor(batches.images.digits)
        self.items = ops.convert_to_tensor(batches.images.items)
        self._argument = (self.digits, self.items) if keras.backend.backend() == "jax" else ()

    def set_epoch(self, epoch: int) -> None:
        """Draw the pairs of an epoch, from 0."""
        self.batches.set_epoch(epoch)

    def __len__(self) -> int:
        """Return the number of items in an epoch."""
        return math.ceil(len(self.batches) / self.together)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Return item `index`."""
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        return self._pairs(index), *self._argument

    def _pairs(self, index: int) -> NDArray[np.int32]:
        size = self.together * self.batch_size
        pairs = self.batches.pairs[index * size : (index + 1) * size]
        steps = max(1, len(pairs) // self.batch_size)
        return np.ascontiguousarray(pairs.reshape(steps, -1, 2).swapaxes(0, 1), np.int32)


def largest_share(batches: MixtureBatches, together: int) -> int:
    """Return the largest divisor, up to `together`, of the number of batches without a smaller last one."""
    full = batches.samples // batches.batch_size
    return next((share for share in range(min(together, full), 1, -1) if full % share == 0), 1)


def compose_on_device(digits: Any, items: Any, pairs: Any, mix: str) -> tuple[Any, Any]:
    """Compose one batch where its images are; the result is that of `compose`, bit by bit.

    Args:
        digits: Tensor, uint8 (n, 28, 28).
        items: Tensor, uint8 (m, 28, 28).
        pairs: Tensor, int32 (b, 2), a digit's index and an item's.
        mix: `mean` or `sum`.

    Returns:
        `x` and `y`, as `compose` returns them, but tensors.
    """
    images = ops.stack([ops.take(digits, pairs[:, 0], axis=0), ops.take(items, pairs[:, 1], axis=0)], axis=-1)
    inside = ops.take(ops.convert_to_tensor(_LEVELS), ops.cast(images, "int32"), axis=0)
    y = ops.pad(inside, ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    x = y[..., :1] + y[..., 1:]
    return (x * 0.5 if mix == "mean" else x), y
