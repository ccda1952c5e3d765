"""KerasTuner's tuner for scikit-learn: a Tuner whose trials are cross-validated."""

import pickle
from importlib.util import find_spec
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.tuner.errors import MissingPackageError
from studyhall.search.tuner.tuner import Tuner
from studyhall.studies.database.attributes import BUILT


class SklearnTuner(Tuner):
    """Searches for the best hyperparameters of a scikit-learn model, by the mean score of a cross-validation.

    It is called as KerasTuner's. The models of the trials are kept as pickles: load only those of studies
    that you trust.

    Args:
        oracle: One of KerasTuner's oracles, for the arguments that it holds; these may have names instead,
            and then the score is maximized.
        hypermodel: A function `build(hp)`, or a `keras_tuner.HyperModel`, that returns a scikit-learn model.
        scoring: A scorer of scikit-learn's; by default the model's own `score`.
        metrics: Further functions of `sklearn.metrics`, or one, to be recorded.
        cv: How examples are split; by default into five folds.
        more: Further arguments of `Tuner`.

    Raises:
        MissingPackageError: scikit-learn is not installed.
        StudyhallError: As for `Tuner`.
    """

    model_file = "model.pickle"

    def __init__(
        self,
        oracle: keras_tuner.Oracle | None = None,
        hypermodel: Any = None,
        scoring: Any = None,
        metrics: Any = None,
        cv: Any = None,
        **more: Any,
    ) -> None:
        if find_spec("sklearn") is None:
            raise MissingPackageError("SklearnTuner needs scikit-learn: pip install scikit-learn")
        from sklearn.model_selection import KFold  # type: ignore[import-untyped]

        judged = (
            {"objective": keras_tuner.Objective("score", "max")} if oracle is None else {"oracle": oracle}
        )
        super().__init__(hypermodel, **{**judged, **more})
        self.scoring = scoring
        self.metrics = list(metrics) if isinstance(metrics, list | tuple) else [metrics] if metrics else []
        self.cv = cv or KFold(5, shuffle=True, random_state=1)  # as KerasTuner's

    def search(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> None:
        """Run trials until the study has none left.

        Args:
            X: The examples, as the models' `fit` takes them.
            y: Their targets.
            sample_weight: Of each example, for models that take it.
            groups: Of each example, for splitters that take them.

        Raises:
            StudyhallError: As for `Tuner.search`.
        """
        super().search(X, y, sample_weight=sample_weight, groups=groups)

    def run_trial(self, trial: Trial, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Cross-validate the trial's model; the one of the last fold is kept, as by KerasTuner.

        Args:
            trial: The trial.
            X: What `search` was called with; so are the others.
            y: Likewise.
            sample_weight: Likewise.
            groups: Likewise.

        Returns:
            The means of the score and of the metrics.
        """
        return keras_tuner.tuners.SklearnTuner.run_trial(self, trial, X, y, sample_weight, groups)

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Keep the model of the trial in hand, as a pickle.

        Args:
            trial_id: Its id.
            model: The model.
            step: Ignored.
        """
        self.require_in_hand(trial_id)
        (self.oracle.in_hand.scratch / self.model_file).write_bytes(pickle.dumps(model))
        self._record({BUILT: {}})

    def load_model(self, trial: Trial) -> Any:
        """Return a trial's model, fitted as it was in the trial.

        Raises:
            NoWeightsError: It was not kept, or is gone.
        """
        with scratch_folder() as folder:
            path = folder / self.model_file
            self.copy_kept(trial, path)
            return pickle.loads(path.read_bytes())
