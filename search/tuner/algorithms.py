"""KerasTuner's algorithms as arguments of a Tuner: samplers and pruners of Optuna that take their place."""

import math
import warnings
from typing import Any

from studyhall.search.tuner.grid_plan import GridPlan
from studyhall.search.tuner.hyperband_plan import HyperbandPlan

ALPHA, BETA = 1e-4, 2.6  # KerasTuner's own


def random_search() -> dict[str, Any]:
    """Return what draws at random."""
    return {"sampler": "random"}


def grid_search() -> dict[str, Any]:
    """Return what tries every combination."""
    return {"sampler": "bruteforce", "plan": GridPlan()}


def bayesian_optimization(num_initial_points: int | None, alpha: float, beta: float) -> dict[str, Any]:
    """Return what learns from the trials so far.

    Args:
        num_initial_points: How many trials are drawn at random first; None for what the sampler thinks right.
        alpha: Of KerasTuner's Gaussian process; a warning says that it has no effect.
        beta: Likewise.
    """
    if (alpha, beta) != (ALPHA, BETA):
        warnings.warn(
            "alpha and beta belong to KerasTuner's Gaussian process and have no effect: Optuna's TPE needs neither, "
            'and sampler="gp" is Optuna\'s Gaussian process',
            UserWarning,
            stacklevel=4,
        )
    if num_initial_points is None:
        return {"sampler": "tpe"}
    return {"sampler": {"name": "tpe", "options": {"n_startup_trials": int(num_initial_points)}}}


def hyperband(max_epochs: int, factor: int, hyperband_iterations: float | None) -> dict[str, Any]:
    """Return what gives many trials few epochs, and few trials many.

    Args:
        max_epochs: The most epochs that a trial trains.
        factor: Between the epochs of one rung and the next.
        hyperband_iterations: How often all brackets are begun; None and 0, endless in KerasTuner, are one
            here, and a warning says so.
    """
    if not hyperband_iterations or math.isinf(hyperband_iterations):
        warnings.warn(
            "hyperband_iterations without an end is 1 here, as a study has a number of trials: give a larger one, "
            "or max_trials",
            UserWarning,
            stacklevel=4,
        )
        hyperband_iterations = 1
    plan = HyperbandPlan(int(max_epochs), int(factor), int(hyperband_iterations))
    return {"sampler": "random", "pruner": plan.pruner(), "plan": plan}
