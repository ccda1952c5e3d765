"""KerasTuner's guide to distributed tuning: a distribution strategy for the training of each trial."""

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

x_train = np.random.default_rng(0).random((16, 8, 8, 1), dtype="float32")
y_train = np.arange(16) % 2


def build_model(hp):
    inputs = keras.Input(shape=(8, 8, 1))
    x = inputs
    for i in range(hp.Int("conv_layers", 1, 2, default=2)):
        x = keras.layers.Conv2D(
            filters=hp.Int("filters_" + str(i), 2, 4, step=2, default=2),
            kernel_size=3,
            activation="relu",
            padding="same",
        )(x)
        if hp.Choice("pooling" + str(i), ["max", "avg"]) == "max":
            x = keras.layers.MaxPooling2D(2)(x)
        else:
            x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    model.compile(
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        optimizer=hp.Choice("optimizer", ["adam", "sgd"]),
    )
    return model


tuner = keras_tuner.RandomSearch(
    hypermodel=build_model,
    objective="val_accuracy",
    max_trials=1,
    distribution_strategy=tf.distribute.MirroredStrategy(["/cpu:0"]),
    directory="results_dir",
    project_name="mnist",
)
tuner.search(
    x_train,
    y_train,
    steps_per_epoch=1,
    validation_data=(x_train, y_train),
    epochs=1,
    callbacks=[keras.callbacks.EarlyStopping("val_accuracy")],
    verbose=0,
)

results = {
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
    "the best model": tuner.get_best_models()[0],
}
