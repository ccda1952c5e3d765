"""KerasTuner's guide "Visualize the hyperparameter tuning process": TensorBoard, a folder for each trial."""

from pathlib import Path

import keras
import keras_tuner
import numpy as np

rng = np.random.default_rng(0)
x_train, y_train = rng.random((24, 8, 8, 1), dtype="float32"), rng.integers(0, 3, 24)


def build_model(hp):
    inputs = keras.Input(shape=(8, 8, 1))
    if hp.Choice("model_type", ["mlp", "cnn"]) == "mlp":
        x = keras.layers.Flatten()(inputs)
        x = keras.layers.Dense(hp.Choice("mlp_units", [4, 8]), activation="relu")(x)
    else:
        x = keras.layers.Conv2D(hp.Choice("cnn_filters", [2, 4]), kernel_size=3, activation="relu")(inputs)
        x = keras.layers.GlobalAveragePooling2D()(x)
    if hp.Boolean("dropout"):
        x = keras.layers.Dropout(0.5)(x)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"], optimizer=optimizer)
    return model


tuner = keras_tuner.RandomSearch(
    build_model, max_trials=2, overwrite=True, objective="val_accuracy", directory="tuner_dir"
)
tuner.search(
    x_train,
    y_train,
    validation_split=0.25,
    epochs=1,
    callbacks=[keras.callbacks.TensorBoard("tb_logs")],
    verbose=0,
)

folders = sorted(path.name for path in Path("tb_logs").iterdir() if path.is_dir())


def events(folder, kind):
    return len(list(Path("tb_logs", folder).glob(f"**/{kind}/events*"))) > 0


results = {
    "number of folders": len(folders),
    "named by the trials' ids": folders == sorted(tuner.oracle.trials),
    "with training": [events(folder, "train") for folder in folders],
    "with validation": [events(folder, "validation") for folder in folders],
    "with HParams": [any(Path("tb_logs", folder).glob("execution*/events*")) for folder in folders],
}
