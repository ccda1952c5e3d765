"""The examples: points of two spirals that wind around each other, and which of the two each belongs to."""

import numpy as np


def load(
    points: int, noise: float = 0.1
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return (train, validation), each of them (x, y); x is float32 (points, 2), y is int (points,).

    A tf.data.Dataset or a keras.utils.PyDataset will do as well, for either. The arguments are those of
    `[data.arguments]` in study.toml. A first parameter called `hp` would be the trial's hyperparameters.
    """
    return _spirals(points, noise, seed=0), _spirals(points // 2, noise, seed=1)


def _spirals(points: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, points)
    turn = np.sqrt(random.uniform(0.02, 1.0, points)) * 2 * np.pi  # radians: one turn
    angle = turn + np.pi * label
    x = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) / 4
    return (x + random.normal(0, noise, x.shape)).astype("float32"), label
