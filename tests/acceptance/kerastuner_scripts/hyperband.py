"""Hyperband with early stopping, as in TensorFlow's tutorial; `search` names more epochs than it gives."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
img_train = rng.random((24, 6, 6), dtype="float32")
label_train = rng.integers(0, 3, 24)


def model_builder(hp):
    model = keras.Sequential()
    model.add(keras.layers.Flatten(input_shape=(6, 6)))
    hp_units = hp.Int("units", min_value=4, max_value=32, step=4)
    model.add(keras.layers.Dense(units=hp_units, activation="relu"))
    model.add(keras.layers.Dense(3))
    hp_learning_rate = hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4])
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=hp_learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


tuner = kt.Hyperband(
    model_builder,
    objective="val_accuracy",
    max_epochs=2,
    factor=2,
    directory="my_dir",
    project_name="intro_to_kt",
)
stop_early = keras.callbacks.EarlyStopping(monitor="val_loss", patience=5)
tuner.search(img_train, label_train, epochs=50, validation_split=0.25, callbacks=[stop_early], verbose=0)

best_hps = tuner.get_best_hyperparameters(num_trials=1)[0]
model = tuner.hypermodel.build(best_hps)
history = model.fit(img_train, label_train, epochs=2, validation_split=0.25, verbose=0)
val_acc_per_epoch = history.history["val_accuracy"]
best_epoch = val_acc_per_epoch.index(max(val_acc_per_epoch)) + 1
hypermodel = tuner.hypermodel.build(best_hps)
hypermodel.fit(img_train, label_train, epochs=best_epoch, validation_split=0.25, verbose=0)
eval_result = hypermodel.evaluate(img_train, label_train, verbose=0)

results = {
    "units and rate": [best_hps.get("units"), best_hps.get("learning_rate")],
    "evaluated": eval_result,
    "history": history.history,
    "every trial has a score": all(
        trial.score is not None for trial in tuner.oracle.get_best_trials(len(tuner.oracle.trials))
    ),
    "more than one trial": len(tuner.oracle.trials) > 1,
}
