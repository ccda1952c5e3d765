"""One stretch of a trial, from its claim to its end or pause: what it costs, and whether it pauses."""

import time

from optuna.trial import Trial

from studyhall.studies.database.attributes import COST
from studyhall.studies.storage.best_so_far import best_of
from studyhall.studies.storage.claimed_trial import storage_of
from studyhall.studies.study.study import Study


class Stretch:
    """One stretch of a claimed trial.

    Args:
        study: The study.
        trial: The trial.

    Attributes:
        trained: The epochs that were trained in it.
        paused_after: The epoch after which the study's scheduler has paused the trial; None while it has not.
    """

    def __init__(self, study: Study, trial: Trial) -> None:
        self.trained = 0
        self.paused_after: int | None = None
        self._study = study
        self._trial = trial
        self._lease = study.trials.lease_of(trial)
        self._began = time.monotonic()

    @property
    def cost(self) -> dict[str, float]:
        """What the trial has cost, in all its stretches whose workers lived to write it down.

        That is `epochs`, `seconds` in which a worker held it, and `restores` from a checkpoint.
        """
        before = self._trial.user_attrs.get(COST, {})
        return {
            "epochs": before.get("epochs", 0) + self.trained,
            "seconds": round(before.get("seconds", 0.0) + time.monotonic() - self._began, 3),
            "restores": before.get("restores", 0) + (self._lease.checkpoint is not None),
        }

    def may_pause(self, epochs: int) -> bool:
        """Whether a trial that has finished so many epochs is at a rung."""
        return self._study.rungs.is_at(epochs)

    def goes_on_after(self, epochs: int) -> bool:
        """Note that the trial is at a rung, and whether it goes on from there.

        Whoever continues from the checkpoint of a rung asks again: the worker before may have died meanwhile.
        One that reports nothing until its end is not compared with others.

        Raises:
            LeaseLostError: The trial is another worker's.
        """
        curve = storage_of(self._trial).held.intermediate_values
        value = best_of((each for step, each in curve.items() if step <= epochs), self._trial.study.direction)
        goes_on = value is None or self._study.rungs.reach(self._lease, epochs, value)
        self.paused_after = None if goes_on else epochs
        return goes_on
