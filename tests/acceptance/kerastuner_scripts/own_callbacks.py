"""Callbacks of the script's own and Keras's, with files for each trial, beside early stopping."""

import json
from pathlib import Path

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((32, 6), dtype="float32"), rng.integers(0, 2, 32)
Path("logs").mkdir()


class Log(keras.callbacks.Callback):
    """Writes each epoch's figures into a file, one for each training."""

    def on_train_begin(self, logs=None):
        self.lines = []

    def on_epoch_end(self, epoch, logs=None):
        self.lines.append({"epoch": epoch, **{name: float(value) for name, value in logs.items()}})

    def on_train_end(self, logs=None):
        number = len(list(Path("logs").glob("*.json")))
        Path("logs", f"{number}.json").write_text(json.dumps(self.lines))


class MyTuner(kt.RandomSearch):
    def on_epoch_end(self, trial, model, epoch, logs=None):
        super().on_epoch_end(trial, model, epoch, logs=logs)
        self.epochs_seen = [*getattr(self, "epochs_seen", []), epoch]

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        self.ended = [*getattr(self, "ended", []), trial.trial_id]


def build(hp):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(hp.Int("units", 4, 8), "relu")])
    model.add(keras.layers.Dense(1, "sigmoid"))
    model.compile(
        hp.Choice("optimizer", ["adam", "rmsprop"]),
        "binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc")],
    )
    return model


tuner = MyTuner(
    build, objective=kt.Objective("val_auc", "max"), max_trials=2, directory="own", project_name="callbacks"
)
tuner.search(
    x,
    y,
    epochs=2,
    batch_size=32,
    validation_split=0.25,
    callbacks=[
        keras.callbacks.EarlyStopping("val_auc", mode="max", patience=2),
        keras.callbacks.ReduceLROnPlateau(patience=1),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.TerminateOnNaN(),
        Log(),
    ],
    verbose=0,
)
lines = [json.loads(path.read_text()) for path in sorted(Path("logs").iterdir())]

results = {
    "number of files": len(lines),
    "keys": {*lines[0][0]},
    "number of the first epoch": min(tuner.epochs_seen),
    "trials that ended": tuner.ended == list(tuner.oracle.trials),
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
}
