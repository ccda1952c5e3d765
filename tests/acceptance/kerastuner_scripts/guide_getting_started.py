"""KerasTuner's guide "Getting started": layers in a loop, the summaries, the best models, a training anew."""

import keras
import keras_tuner
import numpy as np

rng = np.random.default_rng(0)
x_train = rng.random((32, 6, 6), dtype="float32")  # (examples, rows, columns)
y_train = rng.integers(0, 3, 32)
x_val, y_val = x_train[:16], y_train[:16]


def build_model(hp):
    model = keras.Sequential()
    model.add(keras.layers.Flatten())
    for i in range(hp.Int("num_layers", 1, 2)):
        model.add(
            keras.layers.Dense(
                units=hp.Int(f"units_{i}", min_value=4, max_value=12, step=4),
                activation=hp.Choice("activation", ["relu", "tanh"]),
            )
        )
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(rate=0.25))
    model.add(keras.layers.Dense(3, activation="softmax"))
    learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


build_model(keras_tuner.HyperParameters())

tuner = keras_tuner.RandomSearch(
    hypermodel=build_model,
    objective="val_accuracy",
    max_trials=2,
    executions_per_trial=2,
    overwrite=True,
    directory="my_dir",
    project_name="helloworld",
)
tuner.search_space_summary()
tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val))

models = tuner.get_best_models(num_models=2)
best_model = models[0]
best_model.summary()
tuner.results_summary()

best_hps = tuner.get_best_hyperparameters(5)
model = build_model(best_hps[0])
x_all, y_all = np.concatenate((x_train, x_val)), np.concatenate((y_train, y_val))
history = model.fit(x=x_all, y=y_all, epochs=1, verbose=0)

results = {
    "best models": models,
    "predictions": best_model.predict(x_val, verbose=0),
    "best hyperparameters": [hp.get("activation") for hp in best_hps],
    "the space": {*(each.name for each in tuner.oracle.get_space().space)} - {"units_1"},
    "trained anew": history.history,
}
