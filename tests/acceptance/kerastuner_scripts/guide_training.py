"""KerasTuner's guide "Getting started", the training tuned: a `fit` with hyperparameters, own objectives."""

import keras
import keras_tuner
import numpy as np

rng = np.random.default_rng(0)
x_train = rng.random((32, 10), dtype="float32")
y_train = rng.random((32, 1), dtype="float32")
x_val, y_val = x_train[:12], y_train[:12]


class MyHyperModel(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential()
        model.add(keras.layers.Dense(units=hp.Int("units", 4, 12, step=4), activation="relu"))
        model.add(keras.layers.Dense(1))
        model.compile(optimizer="adam", loss="mse", metrics=["mean_absolute_error"])
        return model

    def fit(self, hp, model, x, y, *args, **kwargs):
        if hp.Boolean("normalize"):
            x = keras.layers.Normalization()(x)
        return model.fit(x, y, *args, shuffle=hp.Boolean("shuffle"), **kwargs)


class MyReturningHyperModel(MyHyperModel):
    def fit(self, hp, model, x, y, validation_data, **kwargs):
        model.fit(x, y, **kwargs)
        x_val, y_val = validation_data
        y_pred = model.predict(x_val, verbose=0)
        return {
            "metric_a": -float(np.mean(np.abs(y_pred - y_val))),
            "metric_b": float(np.mean((y_pred - y_val) ** 2)),
        }


class MyNumberHyperModel(MyReturningHyperModel):
    def fit(self, hp, model, x, y, validation_data, **kwargs):
        return super().fit(hp, model, x, y, validation_data, **kwargs)["metric_b"]


def search(hypermodel, objective, name):
    tuner = keras_tuner.RandomSearch(
        hypermodel,
        objective=objective,
        max_trials=2,
        overwrite=True,
        directory="my_dir",
        project_name=name,
    )
    tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val), verbose=0)
    return tuner


reported = search(MyHyperModel(), keras_tuner.Objective("val_mean_absolute_error", "min"), "metric")
returned = search(MyReturningHyperModel(), keras_tuner.Objective("metric_a", "max"), "returned")
a_number = search(MyNumberHyperModel(), None, "number")

best_hp = reported.get_best_hyperparameters()[0]
hypermodel = MyHyperModel()
model = hypermodel.build(best_hp)
history = hypermodel.fit(best_hp, model, x_train, y_train, epochs=1, verbose=0)
scores = [trial.score for trial in returned.oracle.get_best_trials(2)]

results = {
    "values": {name: best_hp.get(name) for name in ("units", "normalize", "shuffle")},
    "scores": scores,
    "the greatest is first": scores == sorted(scores, reverse=True),
    "without an objective": [trial.score for trial in a_number.oracle.get_best_trials(2)],
    "trained anew": history.history,
}
