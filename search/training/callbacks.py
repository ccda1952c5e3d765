"""The Keras callbacks that connect one fit to its trial."""

import math
import time
from collections.abc import Mapping
from typing import Any

import keras

from studyhall.search.bridge.handle import TrialHandle

SECONDS_BETWEEN_LOOKS = 0.2  # how often a batch looks for a stop request and reports progress


class TrialPrunedError(Exception):
    """Leaves `fit` because the study's pruner gave up on the trial; `epoch` counts the finished ones."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"pruned after epoch {epoch}")
        self.epoch = epoch


class StopRequestedError(Exception):
    """Leaves `fit` between two batches because the worker was told to stop; `epochs` are finished."""

    def __init__(self, epochs: int) -> None:
        super().__init__(f"stopped after {epochs} epochs")
        self.epochs = epochs


class NotFiniteError(Exception):
    """Leaves `fit` because the loss or the objective is NaN or infinite."""


class UnknownMetricError(Exception):
    """Leaves `fit` because an epoch's logs lack the objective's metric."""


def improves(value: float, best: float | None, direction: str) -> bool:
    """Whether `value` is better than `best` under a direction, "minimize" or "maximize"."""
    if best is None:
        return True
    return value < best if direction == "minimize" else value > best


class EpochData(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells data that is drawn anew for each epoch which epoch it is, before its first batch is fetched."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        self._set_epoch = getattr(data, "set_epoch", None)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._set_epoch is not None:
            self._set_epoch(epoch)


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports progress and obeys a stop request, between two batches.

    It hooks the beginning of batches only: a hook at their end would make Keras wait for each batch's result.
    """

    def __init__(self, handle: TrialHandle, initial_epoch: int = 0) -> None:
        super().__init__()
        self._handle = handle
        self._epoch = initial_epoch
        self._next_look = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._epoch = epoch
        self._next_look = 0.0

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self._look(batch)

    def on_test_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        if time.monotonic() >= self._next_look and self._handle.stop_requested():
            raise StopRequestedError(self._epoch)

    def _look(self, batch: int) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + SECONDS_BETWEEN_LOOKS
        if self._handle.stop_requested():
            raise StopRequestedError(self._epoch)
        self._handle.progress(self._epoch, batch, (self.params or {}).get("steps") or 0)


class Admission(keras.callbacks.Callback):  # type: ignore[misc]
    """Asks for each epoch before its first batch, and leaves `fit` when the study is over."""

    def __init__(self, handle: TrialHandle) -> None:
        super().__init__()
        self._handle = handle

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if not self._handle.begin_epoch(epoch + 1):
            raise StopRequestedError(epoch)


class Throughput(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the batches trained and the seconds they took, without validation and each fit's first execution.

    The first execution holds compilation, which says nothing about speed. `together` is how many batches Keras calls one.
    """

    def __init__(self, together: float = 1.0) -> None:
        super().__init__()
        self.together = together
        self.batches = 0.0
        self.seconds = 0.0
        self._started: float | None = None
        self._seen = 0
        self._warm = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._seen = 0
        self._started = time.perf_counter() if self._warm else None

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._started is None and self._seen > 0:
            self._started = time.perf_counter()
            self._seen = 0
        self._seen += 1

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._settle()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._settle()

    def _settle(self) -> None:
        if self._started is not None:
            self.seconds += time.perf_counter() - self._started
            self.batches += self._seen * self.together
        self._started = None
        self._warm = True

    @property
    def batches_per_second(self) -> float | None:
        """Training steps per second, or None where no more than one batch was trained."""
        return self.batches / self.seconds if self.seconds > 0 and self.batches else None


class BestEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the best epoch's weights in memory, and refuses epochs without a finite objective."""

    def __init__(self, metric: str, direction: str) -> None:
        super().__init__()
        self._metric = metric
        self._direction = direction
        self.value: float | None = None
        self.epoch = 0  # counts from 1; 0 before the first
        self.weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        logs = logs or {}
        if self._metric not in logs:
            raise UnknownMetricError(
                f"training reports no '{self._metric}'; it reports: {', '.join(sorted(logs))}"
            )
        for name in ("loss", self._metric):
            if name in logs and not math.isfinite(logs[name]):
                raise NotFiniteError(f"{name} is {logs[name]} after epoch {epoch + 1}")
        value = float(logs[self._metric])
        if improves(value, self.value, self._direction):
            self.value, self.epoch, self.weights = value, epoch + 1, self.model.get_weights()


class Report(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch's objective to the study and leaves `fit` when the study's pruner says so.

    Steps are finished epochs, counted from 1.
    """

    def __init__(self, handle: TrialHandle, metric: str) -> None:
        super().__init__()
        self._handle = handle
        self._metric = metric

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        prune = self._handle.report(epoch + 1, float((logs or {})[self._metric]))
        if prune and epoch + 1 < (self.params or {}).get(
            "epochs", 0
        ):  # after the last epoch it would save nothing
            raise TrialPrunedError(epoch + 1)


class LearningRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the learning rate an epoch was trained with into its logs, so that History holds it."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None and "learning_rate" not in logs:
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
