"""KerasTuner's guide "Getting started", whole workflows: `run_trial` returns a number, without a model."""

import keras
import keras_tuner
import numpy as np

rng = np.random.default_rng(0)
x_train, y_train = rng.random((24, 5), dtype="float32"), rng.random((24, 1), dtype="float32")


class BlackBox(keras_tuner.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        x = hp.Float("x", min_value=-1.0, max_value=1.0)
        return x * x + 1


def keras_code(units, optimizer, saving_path):
    model = keras.Sequential([keras.layers.Dense(units, activation="relu"), keras.layers.Dense(1)])
    model.compile(optimizer=optimizer, loss="mean_squared_error")
    model.fit(x_train, y_train, epochs=1, verbose=0)
    model.save(saving_path)
    return float(np.mean(np.abs(model.predict(x_train, verbose=0) - y_train)))


class Workflow(keras_tuner.RandomSearch):
    def run_trial(self, trial, **kwargs):
        hp = trial.hyperparameters
        return keras_code(
            units=hp.Int("units", 4, 16, step=4),
            optimizer=hp.Choice("optimizer", ["adam", "adadelta"]),
            saving_path=f"{trial.trial_id}.keras",
        )


tuner = BlackBox(max_trials=4, overwrite=True, directory="my_dir", project_name="tune_anything")
tuner.search()
x = tuner.get_best_hyperparameters()[0].get("x")

workflow = Workflow(max_trials=2, overwrite=True, directory="my_dir", project_name="keep_code_separate")
workflow.search()
best_trial = workflow.oracle.get_best_trials()[0]
best = keras.models.load_model(f"{best_trial.trial_id}.keras")
best_score = tuner.oracle.get_best_trials()[0].score

results = {
    "x": x,
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(4)],
    "the least is best": best_score == min(trial.score for trial in tuner.oracle.trials.values()),
    "parameters of the workflow": dict(best_trial.hyperparameters.values),
    "the best one's file": best,
}
