"""KerasTuner's Hyperband as one study: how many configurations its brackets begin with, and their epochs."""

import math
from collections.abc import Iterator
from typing import Any

import keras_tuner

from studyhall.search.tuner.errors import ArgumentValueError
from studyhall.search.tuner.plan import Plan


class HyperbandPlan(Plan):
    """Begins as many configurations as KerasTuner's Hyperband does, each for `max_epochs` at most.

    KerasTuner trains a configuration anew, from its checkpoint, at each rung that it reaches, and counts that
    as a further trial. Here it is one trial, which the pruner ends at a rung.

    Args:
        max_epochs: The most epochs that a trial trains.
        factor: What the epochs of a rung are multiplied by for the next one, and its trials divided by.
        hyperband_iterations: How often all brackets are begun.

    Raises:
        ArgumentValueError: They are out of range.
    """

    def __init__(self, max_epochs: int, factor: int, hyperband_iterations: int) -> None:
        if factor < 2:
            raise ArgumentValueError(f"factor needs to be a int larger than 1, not {factor!r}")
        if max_epochs < 1:
            raise ArgumentValueError(f"max_epochs is {max_epochs!r}: a trial trains 1 epoch at least")
        if hyperband_iterations < 1:
            raise ArgumentValueError(f"hyperband_iterations is {hyperband_iterations!r}: give 1 or more")
        self.epochs = max_epochs
        # As KerasTuner tells a trial that is not to be continued.
        self.values = {
            "tuner/epochs": max_epochs,
            "tuner/initial_epoch": 0,
            "tuner/bracket": 0,
            "tuner/round": 0,
        }
        self._max_epochs = max_epochs
        self._factor = factor
        self._iterations = hyperband_iterations

    def trials(self, space: keras_tuner.HyperParameters) -> int:
        """Return the configurations that all brackets begin with."""
        return self._iterations * sum(self._begun())

    def pruner(self) -> dict[str, Any]:
        """Return Optuna's Hyperband with the same rungs.

        Where trials can be paused and continued, the scheduler that does so takes its place: here.
        """
        return {
            "name": "hyperband",
            "options": {
                "min_resource": 1,
                "max_resource": self._max_epochs,
                "reduction_factor": self._factor,
            },
        }

    def _begun(self) -> Iterator[int]:
        """Yield the configurations of each bracket's first rung, as KerasTuner counts them."""
        last_rung = math.ceil(1 + math.log(self._max_epochs, self._factor))
        epochs: float = self._max_epochs
        bracket = 0
        while epochs >= 1:
            yield math.ceil(last_rung / (bracket + 1) * self._factor**bracket)
            epochs /= self._factor
            bracket += 1
