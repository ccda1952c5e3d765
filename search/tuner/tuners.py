"""KerasTuner's tuners by their own names and arguments, each a Tuner with the algorithm of that name."""

from typing import Any

import keras_tuner

from studyhall.search.tuner.algorithms import (
    ALPHA,
    BETA,
    bayesian_optimization,
    grid_search,
    hyperband,
    random_search,
)
from studyhall.search.tuner.sklearn_tuner import SklearnTuner
from studyhall.search.tuner.tuner import Tuner

__all__ = ["BayesianOptimization", "GridSearch", "Hyperband", "RandomSearch", "SklearnTuner", "Tuner"]


class RandomSearch(Tuner):
    """Draws every configuration at random, but the first, which has the defaults that the model names.

    Args:
        hypermodel: As for `Tuner`; so are those that are not named here, and those of `more`.
        max_trials: The trials of the study, all processes together.
        more: Further arguments of `Tuner`.

    Raises:
        StudyhallError: As for `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **more: Any,
    ) -> None:
        super().__init__(
            hypermodel,
            objective,
            max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **{**random_search(), **more},
        )


class BayesianOptimization(Tuner):
    """Learns from the trials so far, by Optuna's TPE: KerasTuner's tuner has a Gaussian process.

    Args:
        hypermodel: As for `Tuner`; so are those that are not named here, and those of `more`.
        max_trials: The trials of the study, all processes together.
        num_initial_points: How many trials are drawn at random first; by default as many as TPE does.
        alpha: Has no effect here, and a warning says so; TPE has no such parameter.
        beta: Likewise.
        more: Further arguments of `Tuner`; `sampler="gp"` is Optuna's Gaussian process.

    Raises:
        StudyhallError: As for `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = ALPHA,
        beta: float = BETA,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **more: Any,
    ) -> None:
        super().__init__(
            hypermodel,
            objective,
            max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **{**bayesian_optimization(num_initial_points, alpha, beta), **more},
        )


class GridSearch(Tuner):
    """Tries every combination of values once, in no particular order, by Optuna's brute force.

    A range without steps has KerasTuner's ten values, and its default.

    Args:
        hypermodel: As for `Tuner`; so are those that are not named here, and those of `more`.
        max_trials: The trials of the study, all processes together; left out, the whole grid.
        more: Further arguments of `Tuner`.

    Raises:
        StudyhallError: As for `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **more: Any,
    ) -> None:
        super().__init__(
            hypermodel,
            objective,
            max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **{**grid_search(), **more},
        )


class Hyperband(Tuner):
    """Trains many configurations for few epochs and the best of them for more, by Optuna's Hyperband.

    A configuration is one trial, which ends at the rung where it is worse than others: KerasTuner counts a
    trial for each rung. Epochs that `search` is told do not count, as in KerasTuner.

    Args:
        hypermodel: As for `Tuner`; so are those that are not named here, and those of `more`.
        max_epochs: The most epochs that a trial trains.
        factor: What the epochs of a rung are multiplied by for the next one, and its trials divided by.
        hyperband_iterations: How often all brackets are begun, which is what says how many trials there are.
        more: Further arguments of `Tuner`; `max_trials` is another number of trials.

    Raises:
        StudyhallError: As for `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int | None = 1,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **more: Any,
    ) -> None:
        super().__init__(
            hypermodel,
            objective,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **{**hyperband(max_epochs, factor, hyperband_iterations), **more},
        )
