"""scikit-learn models are tuned by KerasTuner's SklearnTuner and by ours, by the import alone."""

from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, make_scorer  # type: ignore[import-untyped]
from sklearn.model_selection import GroupKFold, StratifiedKFold  # type: ignore[import-untyped]
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]

from studyhall import search
from studyhall.search.tuner import sklearn_tuner
from studyhall.search.tuner.errors import MissingPackageError, NoWeightsError
from studyhall.search.tuner.sklearn_tuner import SklearnTuner

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X.sum(axis=1) > 0).astype("int64")


SEEN: list[tuple[int, float]] = []


class Tree(DecisionTreeClassifier):  # type: ignore[misc]
    """Notes what it is fitted with."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        SEEN.append((len(X), float(sample_weight.sum())))
        return super().fit(X, y, sample_weight)


def build(hp: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=hp.Int("depth", 1, 50), random_state=0)


@pytest.mark.parametrize("oracle", ["RandomSearchOracle", "BayesianOptimizationOracle"])
def test_a_script_for_kerastuner_has_results_of_the_same_form(tmp_path: Path, oracle: str) -> None:
    forms = []
    for kind in (keras_tuner.tuners.SklearnTuner, search.SklearnTuner):
        tuner = kind(
            oracle=getattr(keras_tuner.oracles, oracle)(
                objective=keras_tuner.Objective("score", "max"), max_trials=3, seed=1
            ),
            hypermodel=build,
            scoring=make_scorer(accuracy_score),
            metrics=accuracy_score,
            cv=StratifiedKFold(4),
            directory=str(tmp_path / kind.__module__),
            project_name="trees",
        )
        tuner.search(X, Y)
        best, model = tuner.oracle.get_best_trials()[0], tuner.get_best_models()[0]
        assert model.get_depth() <= best.hyperparameters.get("depth")
        forms.append(
            {
                "model": type(model),
                "trials": list(tuner.oracle.trials),
                "metrics": {name: each.direction for name, each in best.metrics.metrics.items()},
                "predicted": model.predict(X).shape,
                "score": 0.5 < best.score <= 1,
                "hyperparameters": set(tuner.get_best_hyperparameters()[0].values),
            }
        )
    assert forms[0] == forms[1]


def test_weights_and_groups_reach_the_models_and_the_splitter(tmp_path: Path) -> None:
    SEEN.clear()
    tuner = SklearnTuner(
        hypermodel=lambda hp: Tree(max_depth=hp.Int("depth", 1, 50)),
        max_trials=1,
        cv=GroupKFold(2),
        directory=tmp_path,
        keep_models=0,
    )
    tuner.search(X, Y, sample_weight=np.full(40, 0.5), groups=np.arange(40) // 20)
    assert SEEN == [(20, 10.0), (20, 10.0)]
    with pytest.raises(NoWeightsError, match="the weights of 0 trials are kept"):
        tuner.get_best_models()


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn_tuner, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install scikit-learn") as told:
        SklearnTuner(hypermodel=build, max_trials=1, directory=tmp_path)
    assert isinstance(told.value, ImportError)
    assert list(tmp_path.iterdir()) == []
