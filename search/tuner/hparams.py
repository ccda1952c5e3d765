"""A trial's hyperparameters for TensorBoard, whose HParams page compares the trials of a search by them."""

from importlib.util import find_spec
from typing import Any

import keras
from keras_tuner.engine.trial import Trial
from keras_tuner.src.engine import tuner_utils


def has_tensorboard() -> bool:
    """Whether the package is there that writes hyperparameters."""
    return find_spec("tensorboard") is not None


class TrialHParams(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes a trial's hyperparameters beside TensorBoard's other files, once those are drawn.

    KerasTuner writes them before the model is built; here a model asks for its values while it is.

    Args:
        trial: The trial.
        log_dir: The folder of TensorBoard's callback.
    """

    def __init__(self, trial: Trial, log_dir: str) -> None:
        super().__init__()
        self._trial = trial
        self._log_dir = log_dir
        self._written: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Write the hyperparameters at the beginning of the first fit."""
        if self._written is not None:
            return
        # Only here: it takes a second.
        from tensorboard.plugins.hparams import api  # type: ignore[import-untyped]

        hparams = tuner_utils.convert_hyperparams_to_hparams(self._trial.hyperparameters, api)
        self._written = api.KerasCallback(
            writer=self._log_dir, hparams=hparams, trial_id=self._trial.trial_id
        )
        self._written.on_train_begin(logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Write that the trial has ended."""
        if self._written is not None:
            self._written.on_train_end(logs)
