"""BayesianOptimization with all of its own arguments, a numpy integer among them."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")


def build(hp):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(hp.Int("units", 5, 100, step=10, default=35), "relu")]
    )
    model.add(keras.layers.Dropout(hp.Float("rate", 0.0, 0.5, step=0.1)))
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-1, sampling="log")), "mse", metrics=["mae"])
    return model


tuner = kt.BayesianOptimization(
    hypermodel=build,
    objective="val_mae",
    max_trials=np.int64(3),
    num_initial_points=2,
    alpha=0.0001,
    beta=2.6,
    seed=3,
    hyperparameters=None,
    tune_new_entries=True,
    allow_new_entries=True,
    max_retries_per_trial=0,
    max_consecutive_failed_trials=3,
    directory="bayesian",
    project_name="all arguments [v2]",
)
tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=24, verbose=0)

results = {
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(3)],
    "values": [hp.values for hp in tuner.get_best_hyperparameters(3)],
    "best models": tuner.get_best_models(2),
}
