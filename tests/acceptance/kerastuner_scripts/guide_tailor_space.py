"""KerasTuner's guide "Tailor the search space": a few hyperparameters changed, the rest fixed, or not."""

import keras
import keras_tuner
import numpy as np

rng = np.random.default_rng(0)
x_train = rng.random((24, 6), dtype="float32")
y_train = keras.utils.to_categorical(rng.integers(0, 3, 24), 3)


def build_model(hp):
    model = keras.Sequential([keras.Input((6,))])
    model.add(keras.layers.Dense(units=hp.Int("units", 4, 16, step=4, default=8), activation="relu"))
    if hp.Boolean("dropout", default=False):
        model.add(keras.layers.Dropout(rate=0.25))
    model.add(keras.layers.Dense(3, activation="softmax"))
    rate = hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4], default=1e-3)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search(name, **options):
    tuner = keras_tuner.RandomSearch(
        build_model,
        objective="val_accuracy",
        overwrite=True,
        directory="my_dir",
        project_name=name,
        **options,
    )
    tuner.search(x_train, y_train, epochs=1, validation_data=(x_train, y_train), verbose=0)
    return tuner


hp = keras_tuner.HyperParameters()
hp.Choice("learning_rate", values=[1e-1, 1e-3])
changed = search("search_a_few", hyperparameters=hp, tune_new_entries=False, max_trials=2)

hp = keras_tuner.HyperParameters()
hp.Fixed("learning_rate", value=1e-4)
fixed = search("fix_a_few", hyperparameters=hp, tune_new_entries=True, max_trials=1)

compiled = search(
    "change_compilation",
    optimizer=keras.optimizers.Adam(1e-3),
    loss="mse",
    metrics=["categorical_crossentropy", "accuracy"],
    max_trials=1,
)

hp = keras_tuner.HyperParameters()
hp.Fixed("learning_rate", value=1e-4)
try:
    keras_tuner.RandomSearch(
        build_model,
        objective="val_accuracy",
        hyperparameters=hp,
        allow_new_entries=False,
        max_trials=1,
        overwrite=True,
        directory="my_dir",
        project_name="refused",
    )
    refused = False
except RuntimeError:
    refused = True

results = {
    "changed": [hp.get("learning_rate") in (1e-3, 1e-1) for hp in changed.get_best_hyperparameters(2)],
    "the others' defaults": [hp.get("units") == 8 for hp in changed.get_best_hyperparameters(2)],
    "fixed": [hp.get("learning_rate") == 1e-4 for hp in fixed.get_best_hyperparameters(2)],
    "metrics": {*compiled.oracle.get_best_trials()[0].metrics.metrics},
    "a best model's loss": compiled.get_best_models()[0].loss,
    "new entries are refused": refused,
}
