"""A grid without `max_trials`: every configuration, the numbers of a range with a step among them."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")


def build(hp):
    model = keras.Sequential([keras.Input((6,))])
    model.add(keras.layers.Dense(hp.Int("units", 4, 8, step=4), activation="relu"))
    model.add(keras.layers.Dense(1, use_bias=hp.Boolean("bias")))
    model.compile("adam", "mse")
    return model


tuner = kt.GridSearch(build, objective="val_loss", directory="grid", project_name="whole")
tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=24, verbose=0)
tried = [tuple(trial.hyperparameters.values.values()) for trial in tuner.oracle.trials.values()]

results = {
    "number of trials": len(tried),
    "all different": len(set(tried)) == len(tried),
    "values": [{*trial.hyperparameters.values} for trial in tuner.oracle.trials.values()],
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(4)],
    "best": tuner.get_best_hyperparameters()[0].values,
}
