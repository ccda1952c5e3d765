"""What the GPU's benchmark measures networks by: the operations of their training, and their errors."""

import math
from typing import Any

import keras
import numpy as np

from studyhall.data.mixtures import Mix, compose, draw_pairs, generator
from studyhall.data.sources import Images

# Dense TFLOP/s by the beginning of the device's name, as CUDA has it; NVIDIA's datasheets of the H200, H100
# SXM and A100 give them (the first two with sparsity, which is twice as much). JAX lets float32 convolutions
# run in TF32 on these chips.
_HOPPER = {"float32": 494.5, "bfloat16": 989.5}
PEAKS: dict[str, dict[str, float]] = {
    "NVIDIA H200": _HOPPER,
    "NVIDIA H100 80GB HBM3": _HOPPER,
    "NVIDIA A100": {"float32": 156.0, "bfloat16": 312.0},
}


def training_flops(model: Any) -> int:
    """Count an image's training: its convolutions' multiplications and additions, three times those of the
    forward pass.

    The backward pass has two convolutions for each of the forward pass: for the inputs' gradients and for the
    weights'.
    """
    return 3 * sum(_forward(layer) for layer in model.layers)


def _forward(layer: Any) -> int:
    if isinstance(layer, keras.layers.Conv2DTranspose):  # each input pixel meets the whole kernel
        return 2 * int(math.prod(layer.kernel.shape) * math.prod(layer.input.shape[1:3]))
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        return 2 * int(math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3]))
    return 0


def peak_tflops(device: str, precision: str) -> float | None:
    """Return what a device can do at most, None where we do not know."""
    for name, peaks in PEAKS.items():
        if device.startswith(name):
            return peaks[precision]
    return None


def round_errors(model: Any, images: Images, mix: Mix, rounds: int, samples: int) -> list[float]:
    """Return each round's error by the protocol of `studyhall evaluate`.

    That command itself needs packages which a GPU's machine may lack.
    """
    errors = []
    for number in range(rounds):
        digits, items = draw_pairs(generator(0, "evaluation", number), images, samples)
        total = 0.0
        for start in range(0, samples, 250):
            batch = slice(start, start + 250)
            x, y = compose(images.digits[digits[batch]], images.items[items[batch]], mix)
            guess = np.asarray(model.predict_on_batch(x), np.float32)
            total += float(np.square(np.subtract(guess, y, dtype=np.float64)).sum())
        errors.append(total / (samples * math.prod(y.shape[1:])))
    return errors
