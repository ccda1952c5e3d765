"""What an algorithm of KerasTuner brings along beside a sampler and a pruner."""

from collections.abc import Mapping

import keras_tuner

from studyhall.search.tuner.lenient import LenientHyperParameters
from studyhall.studies.values import Value


class Plan:
    """How many trials there are, how long each trains, and what each draws from; here, as a Tuner does.

    Attributes:
        values: What a trial's hyperparameters hold before any is drawn, by name.
        epochs: What a trial trains at most, whatever `search` is told; None where that decides.
        hyperparameters: The class of a trial's hyperparameters.
        grows: Whether trials are added until the search space is exhausted.
    """

    values: Mapping[str, Value] = {}
    epochs: int | None = None
    hyperparameters: type[LenientHyperParameters] = LenientHyperParameters
    grows: bool = False

    def trials(self, space: keras_tuner.HyperParameters) -> int | None:
        """Return how many trials a new study has where `max_trials` is left out; None for the usual number.

        Args:
            space: All hyperparameters that are known before the first trial.
        """
        return None
