"""Hyperband without `epochs`, with `hyperband_iterations`, and a callback that counts epochs."""

import keras
import numpy as np
from keras_tuner.tuners import Hyperband

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")
trained = []


class Count(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1

    def on_train_end(self, logs=None):
        trained.append(self.epochs)


def build(hp):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 64), activation="relu")]
    )
    model.add(keras.layers.Dense(1))
    model.compile("adam", "mse")
    return model


tuner = Hyperband(
    build,
    "val_loss",
    max_epochs=3,
    factor=3,
    hyperband_iterations=1,
    seed=5,
    directory="hyperband",
    project_name="bands",
)
tuner.search(x, y, validation_data=(x, y), batch_size=24, callbacks=[Count()], verbose=0)
best = tuner.get_best_models()[0]

results = {
    "no training is longer than max_epochs": max(trained) <= 3,
    "units": tuner.get_best_hyperparameters()[0].get("units"),
    "predictions": best.predict(x, verbose=0),
    "best trial": tuner.oracle.get_best_trials()[0].score,
}
