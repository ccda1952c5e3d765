"""Cross-validation over time in `run_trial` of a subclass: a trial is worth the mean over the splits."""

import keras
import keras_tuner as kt
import numpy as np
from sklearn.model_selection import TimeSeriesSplit

rng = np.random.default_rng(0)
x, y = rng.random((40, 4), dtype="float32"), rng.random((40, 1), dtype="float32")


class CVTuner(kt.BayesianOptimization):
    def run_trial(self, trial, x, y, batch_size=32, epochs=1):
        losses = []
        for train, test in TimeSeriesSplit(2).split(x):
            model = self.hypermodel.build(trial.hyperparameters)
            model.fit(x[train], y[train], batch_size=batch_size, epochs=epochs, verbose=0)
            losses.append(model.evaluate(x[test], y[test], verbose=0))
        return {"val_loss": float(np.mean(losses))}


class OldCVTuner(kt.RandomSearch):
    """As it was written before KerasTuner 1.1: it tells the oracle, and returns nothing."""

    def run_trial(self, trial, x, y, epochs=1):
        hp = trial.hyperparameters
        batch_size = hp.Int("batch_size", 16, 32, step=16)
        model = self.hypermodel.build(hp)
        model.fit(x[:20], y[:20], batch_size=batch_size, epochs=epochs, verbose=0)
        loss = model.evaluate(x[20:], y[20:], verbose=0)
        self.oracle.update_trial(trial.trial_id, {"val_loss": float(loss)})


def build_model(hp):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 8, step=2), activation="relu")]
    )
    model.add(keras.layers.Dense(1))
    model.compile("adam", "mse")
    return model


tuner = CVTuner(
    build_model, objective=kt.Objective("val_loss", "min"), max_trials=2, directory="cv", project_name="split"
)
tuner.search(x, y, epochs=1)
old = OldCVTuner(build_model, objective="val_loss", max_trials=1, directory="cv", project_name="old")
old.search(x, y, epochs=1)

results = {
    "values": [hp.values for hp in tuner.get_best_hyperparameters(2)],
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
    "metric": tuner.oracle.get_best_trials()[0].metrics.get_best_value("val_loss"),
    "values with the oracle told": [{*hp.values} for hp in old.get_best_hyperparameters(2)],
    "scores with the oracle told": [trial.score for trial in old.oracle.get_best_trials(2)],
}
