"""A project that another script reads: opened by its names, reloaded, looked at, continued."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.random((24, 1), dtype="float32")


def build(hp):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 32), activation="relu")]
    )
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-1, sampling="log")), "mse")
    return model


def project(max_trials=2, **options):
    return kt.RandomSearch(
        build, objective="val_loss", max_trials=max_trials, directory="later", project_name="kept", **options
    )


tuner = project()
tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=24, verbose=0)
first = [hp.values for hp in tuner.get_best_hyperparameters(2)]
predicted = tuner.get_best_models()[0].predict(x, verbose=0)
ids = list(tuner.oracle.trials)
del tuner

keras.backend.clear_session()
reader = project(overwrite=False)
reader.reload()
read = [hp.values for hp in reader.get_best_hyperparameters(2)]
best = reader.get_best_models()[0]
reader.results_summary(1)
found = sorted(reader.oracle.trials)
order = [list(reader.oracle.start_order), list(reader.oracle.end_order)]

longer = project(max_trials=3)
longer.search(x, y, validation_data=(x, y), epochs=1, batch_size=24, verbose=0)

results = {
    "the same values": read == first,
    "the same predictions": bool(np.allclose(best.predict(x, verbose=0), predicted, atol=1e-6)),
    "the same ids": found == sorted(ids),
    "number of ids": len(ids),
    "started in order": order[0] == ids,
    "ended in order": order[1] == ids,
    "number of remaining trials": reader.remaining_trials,
    "number of trials when it goes on": len(longer.oracle.trials),
    "a trial by its id": longer.oracle.get_trial(ids[0]).hyperparameters.values in first,
    "a trial's state": {*longer.oracle.trials[ids[0]].get_state()},
}
