"""The network, and what the search may vary of it: KerasTuner's interface."""

import keras
import keras_tuner


def build(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Return a compiled model; every hp.* call is a hyperparameter of the search."""
    model = keras.Sequential([keras.layers.Input((2,))])
    for layer in range(hp.Int("layers", 1, 3, default=2)):
        # Asked for only where there is such a layer, and so searched only there.
        model.add(keras.layers.Dense(hp.Int(f"units_{layer}", 8, 64, step=8, default=32)))
        model.add(keras.layers.Activation(hp.Choice("activation", ["relu", "tanh"], default="relu")))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log", default=1e-2)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="binary_crossentropy", metrics=["accuracy"])
    return model
