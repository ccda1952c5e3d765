"""A trial that a worker has claimed, as Optuna's objects."""

import math
from collections.abc import Sequence

import optuna
from optuna.trial import Trial

from studyhall.studies.storage.best_so_far import best_of
from studyhall.studies.storage.judging import gives_up
from studyhall.studies.storage.leased_storage import LeasedStorage


def require_finite(trial: Trial, values: Sequence[float]) -> None:
    """Refuse a result that is not finite, which is a failure and not a result.

    Raises:
        ValueError: A value is not finite.
    """
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"trial {trial.number} cannot have the result {value}: fail it instead")


def reached(trial: Trial, values: Sequence[float]) -> tuple[float, ...]:
    """Return the result of a trial that ends early: what is given, or else the best value that it reported.

    Raises:
        ValueError: A value is not finite, or there is not one for each objective.
    """
    directions = trial.study.directions
    if not values and len(directions) == 1:
        best = best_of(storage_of(trial).held.intermediate_values.values(), directions[0])
        return () if best is None else (best,)
    if values and len(values) != len(directions):
        raise ValueError(f"{len(values)} values are not a result for {len(directions)} objectives")
    require_finite(trial, values)
    return tuple(values)


def storage_of(trial: Trial) -> LeasedStorage:
    """Return the storage as the trial's holder sees it.

    Raises:
        TypeError: The trial was not claimed.
    """
    storage = trial.storage
    if not isinstance(storage, LeasedStorage):
        raise TypeError(f"trial {trial.number} was not claimed: only a claimed trial can be worked on")
    return storage


class ClaimedTrial(Trial):
    """Optuna's trial, which is judged by the best value that it has reported so far."""

    def should_prune(self) -> bool:
        if len(self.study.directions) > 1:
            return super().should_prune()  # which refuses
        return gives_up(self.study.pruner, self.study, self._get_latest_trial())


class QueuedStudy(optuna.Study):
    """Optuna's study where the queue decides when the work ends."""

    def stop(self) -> None:
        """Ignore a sampler that has seen its whole grid; Optuna raises outside its own loop."""
