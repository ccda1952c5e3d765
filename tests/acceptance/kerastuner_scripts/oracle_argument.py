"""A plain `Tuner` with an oracle, and a HyperModel that has a `fit`."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")


class Regression(kt.HyperModel):
    def build(self, hp):
        model = keras.Sequential(
            [keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 32), activation="relu")]
        )
        model.add(keras.layers.Dense(1))
        model.compile("adam", "mse")
        return model

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [12, 24]), **kwargs)


class MyTuner(kt.Tuner):
    """It does nothing of its own."""


def search(oracle, name):
    tuner = MyTuner(oracle=oracle, hypermodel=Regression(), directory="oracles", project_name=name)
    tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
    return tuner


random = search(kt.oracles.RandomSearchOracle(objective="val_loss", max_trials=1, seed=1), "random")
bayesian = search(
    kt.oracles.BayesianOptimizationOracle(objective=kt.Objective("val_loss", "min"), max_trials=2), "bayesian"
)
hp = kt.HyperParameters()
hp.Fixed("units", 8)
grid = search(kt.oracles.GridSearchOracle(objective="val_loss", max_trials=1, hyperparameters=hp), "grid")

results = {
    name: {
        "scores": [trial.score for trial in tuner.oracle.get_best_trials(9)],
        "values": [hp.values for hp in tuner.get_best_hyperparameters(9)],
        "model": tuner.get_best_models()[0],
    }
    for name, tuner in {"random": random, "bayesian": bayesian, "grid": grid}.items()
}
