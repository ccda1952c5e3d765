"""scikit-learn's models by `kt.tuners.SklearnTuner`: a ridge or a forest, with cross-validation."""

import keras_tuner as kt
import numpy as np
from sklearn import ensemble, linear_model, metrics, model_selection

rng = np.random.default_rng(0)
X = rng.random((40, 3))
y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.random(40)


def build_model(hp):
    kind = hp.Choice("model_type", ["random_forest", "ridge"])
    if kind == "random_forest":
        return ensemble.RandomForestRegressor(
            n_estimators=hp.Int("n_estimators", 2, 10, step=2), max_depth=hp.Int("max_depth", 2, 5)
        )
    return linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 1, sampling="log"))


tuner = kt.tuners.SklearnTuner(
    oracle=kt.oracles.BayesianOptimizationOracle(objective=kt.Objective("score", "min"), max_trials=4),
    hypermodel=build_model,
    scoring=metrics.make_scorer(metrics.mean_squared_error),
    cv=model_selection.KFold(3),
    directory="sklearn",
    project_name="regression",
)
tuner.search(X, y)
best_model = tuner.get_best_models(num_models=1)[0]
scores = [trial.score for trial in tuner.oracle.get_best_trials(4)]

results = {
    "predictions": best_model.predict(X),
    "scores": scores,
    "the least is first": scores == sorted(trial.score for trial in tuner.oracle.trials.values()),
    "kind": tuner.get_best_hyperparameters()[0].get("model_type"),
}
