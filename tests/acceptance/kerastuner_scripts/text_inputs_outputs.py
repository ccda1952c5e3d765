"""Tickets with three inputs (title, body, tags) and two outputs, found by the metric of one output."""

import keras
import keras_tuner as kt
import numpy as np
from keras import layers

rng = np.random.default_rng(1)
words, tags, departments, n = 50, 5, 4, 32
data = {
    "title": rng.integers(words, size=(n, 5)),
    "body": rng.integers(words, size=(n, 12)),
    "tags": rng.integers(2, size=(n, tags)).astype("float32"),
}
targets = {
    "priority": rng.random(size=(n, 1), dtype="float32"),
    "department": keras.utils.to_categorical(rng.integers(departments, size=n), departments),
}


def build(hp):
    title, body = keras.Input((None,), name="title"), keras.Input((None,), name="body")
    tag = keras.Input((tags,), name="tags")
    size = hp.Int("embedding", 4, 8, step=4)
    with hp.name_scope("text"):
        kind = hp.Choice("encoder", ["gru", "pool"])
    encoded = []
    for each in (title, body):
        features = layers.Embedding(words, size)(each)
        encoded.append(layers.GRU(2)(features) if kind == "gru" else layers.GlobalMaxPooling1D()(features))
    x = layers.concatenate([*encoded, tag])
    priority = layers.Dense(1, name="priority", activation="sigmoid")(x)
    department = layers.Dense(departments, name="department", activation="softmax")(x)
    model = keras.Model([title, body, tag], {"priority": priority, "department": department})
    model.compile(
        optimizer=keras.optimizers.RMSprop(hp.Float("lr", 1e-3, 1e-1, sampling="log")),
        loss={"priority": "binary_crossentropy", "department": "categorical_crossentropy"},
        metrics={"priority": ["mean_absolute_error"], "department": ["accuracy"]},
        loss_weights={"priority": hp.Float("weight", 0.5, 1.5, step=0.5), "department": 0.2},
    )
    return model


tuner = kt.RandomSearch(
    build,
    objective=kt.Objective("val_department_accuracy", direction="max"),
    max_trials=2,
    seed=3,
    directory="tickets",
    project_name="two_outputs",
)
tuner.search(data, targets, validation_data=(data, targets), epochs=1, batch_size=32, verbose=0)
model = tuner.get_best_models()[0]

results = {
    "values": tuner.get_best_hyperparameters()[0].values,
    "predictions": model.predict(data, verbose=0),
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
    "metrics": {*tuner.oracle.get_best_trials()[0].metrics.metrics},
}
