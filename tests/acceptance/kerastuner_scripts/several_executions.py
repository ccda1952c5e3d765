"""Two executions of each configuration; their mean is what a trial is worth. Weights and steps beside."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((24, 6), dtype="float32"), rng.integers(0, 2, 24)


def build(hp):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 32), activation="relu")]
    )
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.Precision(name="precision")])
    return model


tuner = kt.RandomSearch(
    build,
    objective=kt.Objective("val_precision", direction="max"),
    max_trials=2,
    executions_per_trial=2,
    directory="executions",
    project_name="two",
)
tuner.search(
    x,
    y,
    epochs=1,
    validation_data=(x, y),
    class_weight={0: 1.0, 1: 2.0},
    sample_weight=None,
    batch_size=24,
    shuffle=True,
    verbose=0,
)
best = tuner.oracle.get_best_trials(2)

results = {
    "scores": [trial.score for trial in best],
    "metrics": {*best[0].metrics.metrics},
    "history of the objective": [
        {type(each).__name__} for each in best[0].metrics.get_history("val_precision")
    ],
    "values of a step": [each.value for each in best[0].metrics.get_history("val_precision")],
    "statistics": {*best[0].metrics.get_statistics("val_loss")},
    "number of trials": len(tuner.oracle.trials),
}
