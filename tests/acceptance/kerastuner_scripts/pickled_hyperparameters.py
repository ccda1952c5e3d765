"""The best hyperparameters are pickled, written as JSON, read again, and built from."""

import json
import pickle
from pathlib import Path

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")


def build(hp):
    model = keras.Sequential([keras.Input((6,))])
    kind = hp.Choice("kind", ["plain", "deep"], default="deep")
    with hp.conditional_scope("kind", ["deep"]):
        if kind == "deep":
            model.add(keras.layers.Dense(hp.Int("units", 4, 16, step=4), activation="relu"))
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-1, sampling="log")), "mse")
    return model


tuner = kt.RandomSearch(build, "val_loss", 2, seed=1, directory="pickled", project_name="best")
tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=24, verbose=0)
best = tuner.get_best_hyperparameters(2)

Path("best.pkl").write_bytes(pickle.dumps(best))
again = pickle.loads(Path("best.pkl").read_bytes())
Path("best.json").write_text(json.dumps(best[0].get_config()))
from_config = kt.HyperParameters.from_config(json.loads(Path("best.json").read_text()))

results = {
    "pickled": [hp.values == other.values for hp, other in zip(best, again, strict=True)],
    "as JSON": from_config.values == best[0].values,
    "keys of the configuration": {*best[0].get_config()},
    "kinds": {*(type(each).__name__ for each in from_config.space)},
    "a model of it": build(again[0]),
    "copied": best[0].copy().get("lr") == best[0].get("lr"),
    "is active": best[0].is_active("lr"),
}
