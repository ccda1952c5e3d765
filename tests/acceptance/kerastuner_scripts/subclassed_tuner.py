"""A subclass of a tuner that chooses the batch size and the epochs of each trial, and hands the rest on."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((32, 6), dtype="float32"), rng.random((32, 1), dtype="float32")


class MyTuner(kt.BayesianOptimization):
    def __init__(self, *args, greeting="", **kwargs):
        self.greeting = greeting
        super().__init__(*args, **kwargs)

    def run_trial(self, trial, *args, **kwargs):
        kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 16, 32, step=16)
        kwargs["epochs"] = trial.hyperparameters.Int("epochs", 1, 2)
        return super().run_trial(trial, *args, **kwargs)


def build(hp):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 16, step=4), "relu")])
    model.add(keras.layers.Dense(1))
    model.compile("adam", "mse")
    return model


tuner = MyTuner(
    build,
    objective="val_loss",
    max_trials=2,
    greeting="hello",
    overwrite=True,
    directory="own",
    project_name="subclass",
)
tuner.search(x, y, validation_data=(x, y), verbose=0)
best = tuner.get_best_hyperparameters(2)

results = {
    "greeting": tuner.greeting == "hello",
    "values": [hp.values for hp in best],
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
    "the space": {*(each.name for each in tuner.oracle.get_space().space)},
    "best model": tuner.get_best_models()[0],
}
