"""A person's own model and data, as small as can be."""

import keras
import keras_tuner
import numpy as np


class Line(keras_tuner.HyperModel):
    """A linear model."""

    def build(self, hp):
        units = hp.Int("units", 1, 3, default=2)
        rate = hp.Float("rate", 1e-6, 1e-1, sampling="log", default=5e-2)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
        return model


class Fragile(Line):
    """One that may be told to be broken, and then cannot be built."""

    def build(self, hp):
        if hp.Boolean("broken", default=False):
            raise ValueError("as broken as can be")
        return super().build(hp)


def load(points):
    """Points in the plane and their sums."""
    x = np.random.default_rng(0).normal(size=(points, 2)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    return (x, y), (x[: points // 2], y[: points // 2])
