"""Scopes within scopes, names of scopes, parents by argument, every kind of hyperparameter and of step."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")


def build(hp):
    model = keras.Sequential([keras.Input((6,))])
    depth = hp.Int("depth", 1, 2)
    for i in range(depth):
        with hp.name_scope(f"layer{i}"):
            model.add(keras.layers.Dense(hp.Int("units", 2, 16, step=2, sampling="log")))
    model.add(keras.layers.Activation(hp.Choice("activation", ["relu", "swish"], ordered=False)))
    model.add(keras.layers.Dense(1))
    kind = hp.Choice("optimizer", ["adam", "sgd"])
    if kind == "adam":
        with hp.conditional_scope("optimizer", ["adam"]):
            optimizer = keras.optimizers.Adam(hp.Float("adam_rate", 1e-4, 1e-1, sampling="log", step=10))
    else:
        optimizer = keras.optimizers.SGD(
            hp.Float(
                "sgd_rate", 1e-3, 1e-1, sampling="reverse_log", parent_name="optimizer", parent_values=["sgd"]
            ),
            momentum=hp.Float("momentum", 0.0, 0.9, step=0.3, parent_name="optimizer", parent_values="sgd"),
        )
    hp.Fixed("seed", 7)
    model.compile(optimizer, "mse")
    return model


tuner = kt.RandomSearch(
    build, objective="val_loss", max_trials=2, seed=4, directory="scopes", project_name="all"
)
tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=24, verbose=0)
best = tuner.get_best_hyperparameters(2)
kinds = {"depth", "layer0/units", "activation", "optimizer", "seed"}

results = {
    "always there": [{name: hp.values[name] for name in sorted(kinds)} for hp in best],
    "one optimizer's": [
        set(hp.values) - kinds - {"layer1/units"} in ({"adam_rate"}, {"sgd_rate", "momentum"}) for hp in best
    ],
    "the space": {
        each.name: {type(each).__name__} for each in tuner.oracle.get_space().space if each.name in kinds
    },
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
}
