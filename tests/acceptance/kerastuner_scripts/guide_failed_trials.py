"""KerasTuner's guide to failed trials: what is tolerated, tried again, and when a search ends for them."""

import keras
import keras_tuner
import numpy as np

x, y = np.random.default_rng(0).random((20, 5), dtype="float32"), np.zeros((20, 1), "float32")
tried = []


def build_model(hp):
    units = hp.Choice("units", [2, 100])
    tried.append(units)
    if units == 100:
        raise ValueError("out of memory, say")
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(units), keras.layers.Dense(1)])
    model.compile(loss="mse")
    return model


def too_deep(hp):
    if hp.Int("depth", 1, 500) > 1:
        raise ValueError("too deep")
    return build_model(hp)


def search(tuner):
    tuner.search(x, y, epochs=1, validation_data=(x, y), verbose=0)
    return tuner


def grid(name, **options):
    return keras_tuner.GridSearch(
        build_model, "val_loss", overwrite=True, directory="failed", project_name=name, **options
    )


tuner = search(grid("tolerated", max_consecutive_failed_trials=3))
number_of_builds = tried.count(100)
tried.clear()
search(grid("tried again", max_retries_per_trial=2, max_consecutive_failed_trials=3))
trials = list(tuner.oracle.trials.values())
failed = next(trial for trial in trials if trial.status == "FAILED")

hopeless = keras_tuner.RandomSearch(
    too_deep,
    objective="val_loss",
    max_trials=5,
    max_consecutive_failed_trials=2,
    overwrite=True,
    directory="failed",
    project_name="hopeless",
)
try:
    search(hopeless)
    ended = "by itself"
except RuntimeError:
    ended = "by a RuntimeError"

results = {
    "statuses": {*(trial.status for trial in trials)},
    "number of failed trials": len([trial for trial in trials if trial.status == "FAILED"]),
    "the cause is in the message": "out of memory, say" in failed.message,
    "number of trials with a score": len([each for each in trials if each.score is not None]),
    "number of builds of the failed one": number_of_builds,
    "number of builds of the one that is tried again": tried.count(100),
    "the search ends for them": {ended},
}
