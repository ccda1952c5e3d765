"""The callbacks that a Tuner adds to those of its user."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from studyhall.search.training.callbacks import BestEpoch, TrialPrunedError
from studyhall.search.user.workload import parameter_count
from studyhall.studies.search_sections import PARAMETERS

WEIGHTS = "model.weights.h5"


class ModelSize(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the size of the model into the logs, so that it can be an objective."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None:
            logs[PARAMETERS] = parameter_count(self.model)


class KeepBestEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the best epoch of a trial, over all of its executions; it must not be copied.

    Where the logs do not hold the objective, because `fit` or `run_trial` returns it, the last epoch counts as the best.
    """

    def __init__(self, metric: str, direction: str, folder: Path) -> None:
        super().__init__()
        self.path = folder / WEIGHTS
        self._best = BestEpoch(metric, direction)
        self._metric = metric

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._metric in (logs or {}):
            before = self._best.value
            self._best.set_model(self.model)
            self._best.on_epoch_end(epoch, logs)
            self._best.weights = None  # in the file by now
            if self._best.value == before:
                return
        self.model.save_weights(self.path, overwrite=True)


class CountEpochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes how many epochs of the trial in hand are finished, for whoever watches the workers."""

    def __init__(self, in_hand: Any) -> None:
        super().__init__()
        self._in_hand = in_hand

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._in_hand.epoch = epoch + 1


class ReportOnce(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch's objective to the study, and leaves `fit` when its pruner says so.

    A trial that was handed back may come by an epoch for the second time; that is not reported again.
    """

    def __init__(self, handle: Any, metric: str, reported: int) -> None:
        super().__init__()
        self._handle = handle
        self._metric = metric
        self._reported = reported

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._metric not in (logs or {}) or epoch + 1 <= self._reported:
            return
        prune = self._handle.report(epoch + 1, float((logs or {})[self._metric]))
        if prune and epoch + 1 != (self.params or {}).get(
            "epochs"
        ):  # after the last epoch it would save nothing
            raise TrialPrunedError(epoch + 1)
