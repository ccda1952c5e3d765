"""A coarse search, then a finer one around its best hyperparameters, by `hyperparameters=`."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")


def build(hp):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 64, step=4), activation="relu")]
    )
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.SGD(hp.Float("lr", 1e-4, 1e-1, sampling="log")), "mse")
    return model


def search(tuner):
    tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=24, verbose=0)
    return tuner.get_best_hyperparameters()[0]


coarse = search(kt.RandomSearch(build, "val_loss", 2, directory="fine", project_name="coarse"))
space = kt.HyperParameters()
space.Int("units", max(coarse.get("units") - 4, 4), coarse.get("units") + 4, step=2)
space.Fixed("lr", coarse.get("lr"))
fine_tuner = kt.GridSearch(
    build,
    "val_loss",
    hyperparameters=space,
    tune_new_entries=False,
    directory="fine",
    project_name="fine",
    max_trials=2,
)
fine = search(fine_tuner)
model = fine_tuner.hypermodel.build(fine)
weights = fine_tuner.get_best_models()[0].get_weights()
model.set_weights(weights)

results = {
    "coarse": coarse.values,
    "fine": fine.values,
    "the rate is the coarse one's": fine.get("lr") == coarse.get("lr"),
    "number of trials": len(fine_tuner.oracle.trials),
    "weights": [{each.ndim} for each in weights],
}
