"""What a Tuner adds to the callbacks of its user."""

from pathlib import Path
from typing import Any

import keras

from studyhall.search.training.account import improves
from studyhall.search.user.workload import parameter_count
from studyhall.studies.definition.search_sections import PARAMETERS

WEIGHTS = "model.weights.h5"


class ModelSize(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the size of the model into the logs, so that it can be an objective."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs[PARAMETERS] = parameter_count(self.model)


class BestWeights:
    """The weights of a trial's best model, in a file, over all of its executions.

    Args:
        direction: Of the first objective, "minimize" or "maximize".
        folder: Where the file is.
    """

    def __init__(self, direction: str, folder: Path) -> None:
        self.path = folder / WEIGHTS
        self.execution = folder / f"execution.{WEIGHTS}"
        self._direction = direction
        self._value: float | None = None

    def keep_epoch(self, model: Any) -> None:
        """Keep the weights of the execution in hand as they are."""
        model.save_weights(self.execution, overwrite=True)

    def settle(self, value: float) -> None:
        """Keep the execution's weights as the trial's, if its value is the best so far."""
        if self.execution.is_file() and improves(value, self._value, self._direction):
            self._value = value
            self.execution.replace(self.path)
