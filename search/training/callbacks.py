"""The Keras callbacks that connect one fit to its trial."""

import time
from collections.abc import Mapping
from typing import Any

import keras

from studyhall.search.core.handle import TrialHandle
from studyhall.search.training.account import Account

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


class NotAdmittedError(StopRequestedError):
    """Leaves `fit` between two epochs because the trial may not train the next one, for now."""


class EpochData(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells data that is drawn anew for each epoch which one it is (from 0), before its first batch."""

    def __init__(self, data: Any, account: Account) -> None:
        super().__init__()
        self._set_epoch = getattr(data, "set_epoch", None)
        self._account = account

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._set_epoch is not None:
            self._set_epoch(self._account.finished)


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports progress and obeys a stop request, between two batches.

    It hooks the beginning of batches only: a hook at their end would make Keras wait for each batch's result.
    """

    def __init__(self, handle: TrialHandle, account: Account) -> None:
        super().__init__()
        self._handle = handle
        self._account = account
        self._next_look = 0.0
        self._batch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._next_look = 0.0

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._batch = batch
        self._look()

    def on_test_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._look()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        # A training loop of the user's own may call nothing else.
        if self.params is None and self._handle.stop_requested():
            raise StopRequestedError(self._account.finished)

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + SECONDS_BETWEEN_LOOKS
        if self._handle.stop_requested():
            raise StopRequestedError(self._account.finished)
        self._handle.progress(self._account.finished, self._batch, (self.params or {}).get("steps") or 0)


class Admission(keras.callbacks.Callback):  # type: ignore[misc]
    """Asks for each epoch before its first batch; leaves `fit` when the study is over, or the trial pauses.

    A training loop of the user's own that calls nothing but `on_epoch_end` is asked for there, when the epoch
    is over.
    """

    def __init__(self, handle: TrialHandle, account: Account) -> None:
        super().__init__()
        self._handle = handle
        self._account = account
        self._asked_for = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._ask_for(self._account.finished + 1)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._ask_for(self._account.finished)

    def _ask_for(self, epoch: int) -> None:
        if epoch <= self._asked_for:
            return
        self._asked_for = epoch
        if not self._handle.begin_epoch(epoch):
            raise NotAdmittedError(epoch - 1)


class Throughput(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts trained batches and their seconds, without validation and each fit's first execution.

    The first execution holds compilation, which says nothing about speed. `together` is how many batches
    Keras calls one.
    """

    def __init__(self, together: float = 1.0) -> None:
        super().__init__()
        self.together = together
        self.batches = 0.0
        self.seconds = 0.0
        self._started: float | None = None
        self._seen = 0
        self._warm = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._seen = 0
        self._started = time.perf_counter() if self._warm else None

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._started is None and self._seen > 0:
            self._started = time.perf_counter()
            self._seen = 0
        self._seen += 1

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._settle()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
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


class Report(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch's objective to the study and leaves `fit` when the study's pruner says so.

    Steps are finished epochs, counted from 1 over the whole training. The last epoch of a `fit` is not
    pruned, as that would save nothing; where another `fit` follows, its first epoch does not begin.
    """

    def __init__(self, handle: TrialHandle, account: Account) -> None:
        super().__init__()
        self._handle = handle
        self._account = account
        self._pruned_after: int | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._pruned_after is not None:
            raise TrialPrunedError(self._pruned_after)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        value, *others = (self._account.epochs[-1].get(metric) for metric in self._account.metrics)
        if not isinstance(value, float):
            return
        further = [each for each in others if isinstance(each, float)]
        if not self._handle.report(self._account.finished, value, *(further if others == further else ())):
            return
        self._pruned_after = self._account.finished
        if epoch + 1 != (self.params or {}).get("epochs"):
            raise TrialPrunedError(self._pruned_after)


class LearningRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the learning rate an epoch was trained with into its logs, so that the history holds it."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        rate = getattr(optimizer, "learning_rate", None)
        if logs is not None and "learning_rate" not in logs and rate is not None:
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(rate))
