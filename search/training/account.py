"""The account of a training: what each epoch came to, over all the `fit` calls of one trial or retraining."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import keras_tuner

from studyhall.did_you_mean import closest, suggested
from studyhall.search.training.logs import LogValue, log_value, log_values


class NotFiniteError(Exception):
    """Leaves `fit` because the loss or the objective is NaN or infinite."""


class UnknownMetricError(keras_tuner.errors.FatalValueError):  # type: ignore[misc]
    """Training does not report an objective, or reports what is no single number."""


class NoSingleNumberError(UnknownMetricError):
    """An objective is reported, but as several numbers, or as none: True, say, or a text."""


def improves(value: float, best: float | None, direction: str) -> bool:
    """Whether `value` is better than `best` under a direction, "minimize" or "maximize"."""
    if best is None:
        return True
    return value < best if direction == "minimize" else value > best


class Account(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps what training reports: the only place that counts epochs and says which one is the best.

    Epochs count from 1 over the whole training, whether it is one `fit`, several, or a loop of the user's own
    that calls the callbacks by itself. The best epoch is the best by the first objective, among those that
    report every objective.

    Args:
        metrics: The names of the objectives that training reports, the most important first.
        direction: Of the first one, "minimize" or "maximize".
        on_best: Called with the model after each epoch that is the best so far; by default its weights are
            kept here, as numpy arrays in the order of `model.get_weights()`.
        must_report: Whether an epoch without the objectives ends the training at once. It does where nothing
            else could report them; a `fit` of the user's own may still return them.
    """

    def __init__(
        self,
        metrics: Sequence[str],
        direction: str,
        on_best: Callable[[Any], None] | None = None,
        *,
        must_report: bool = False,
    ) -> None:
        super().__init__()
        self.metrics = tuple(metrics)
        self.direction = direction
        self.must_report = must_report
        self.epochs: list[dict[str, LogValue]] = []
        self.fits = 0  # that have begun
        self.batch_size: int | None = None  # of arrays, where a fit of the user's own said
        self.value: float | None = None
        self.best_epoch: int | None = None
        self.weights: list[Any] | None = None
        self._on_best = on_best or self._keep_weights

    @property
    def finished(self) -> int:
        """How many epochs are finished."""
        return len(self.epochs)

    @property
    def history(self) -> dict[str, list[Any]]:
        """A list with one entry for each epoch, for each name that was reported; None where it was not."""
        names = dict.fromkeys(name for logs in self.epochs for name in logs)
        return {name: [logs.get(name) for logs in self.epochs] for name in names}

    @property
    def best(self) -> dict[str, LogValue] | None:
        """What the best epoch reported; None where no epoch reported the objectives."""
        return None if self.best_epoch is None else self.epochs[self.best_epoch - 1]

    def require_objectives(self, logs: Mapping[str, LogValue]) -> None:
        """Raise UnknownMetricError where logs lack an objective, or hold several values of one."""
        for metric in self.metrics:
            require_number(metric, logs.get(metric), logs)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self.fits += 1

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        values = log_values(logs)
        self.epochs.append(values)
        for metric in self.metrics:
            require_numeric(metric, logs or {})
        for name in ("loss", *self.metrics):
            value = values.get(name)
            if isinstance(value, float) and not math.isfinite(value):
                raise NotFiniteError(f"{name} is {value} after epoch {self.finished}")
        if self.must_report:
            self.require_objectives(values)
        found = [values.get(metric) for metric in self.metrics]
        first = found[0]
        if not isinstance(first, float) or not all(isinstance(each, float) for each in found):
            return
        if improves(first, self.value, self.direction):
            self.value, self.best_epoch = first, self.finished
            self._on_best(self.model)

    def _keep_weights(self, model: Any) -> None:
        self.weights = model.get_weights()

    def state(self) -> dict[str, Any]:
        """Return what it takes to go on with this account in another process, as JSON; the weights apart."""
        return {"epochs": self.epochs, "value": self.value, "best_epoch": self.best_epoch}

    def restore(self, state: Mapping[str, Any], weights: list[Any] | None) -> None:
        """Go on with the account that `state` and the best epoch's weights are of."""
        self.epochs = list(state["epochs"])
        self.value, self.best_epoch, self.weights = state["value"], state["best_epoch"], weights


def require_numeric(metric: str, reported: Mapping[str, Any], whose: str = "training") -> None:
    """Raise NoSingleNumberError where an objective is reported as what is no number at all.

    Args:
        metric: the objective.
        reported: what is reported, as it is.
        whose: what reports it, for the error.
    """
    value = reported.get(metric)
    if value is not None and log_value(value) is None:
        told = " ".join(repr(value).split())[:60]
        raise NoSingleNumberError(f"{whose} reports {metric} as {told}, which is not a number")


def instead(metric: str, reported: Iterable[str]) -> str:
    """Return what is said after a metric that is not reported: those that are, and the one that is meant."""
    near = closest(metric, reported, cutoff=0.7)
    hint = f"; {suggested(near)}" if near else ";"
    return f"{hint} it reports: {', '.join(sorted(reported)) or 'nothing'}"


def require_number(metric: str, value: LogValue | None, reported: Mapping[str, Any]) -> float:
    """Return an objective's value.

    Raises:
        UnknownMetricError: It is missing.
        NoSingleNumberError: It has several values.
    """
    if value is None:
        raise UnknownMetricError(f"training reports no '{metric}'{instead(metric, reported)}")
    if isinstance(value, list):
        raise NoSingleNumberError(
            f"{metric} has {_size(value)} values an epoch, and an objective is one number: let the metric average "
            "them, as F1Score(average='macro') does"
        )
    return value


def _size(values: LogValue) -> int:
    return sum(map(_size, values)) if isinstance(values, list) else 1
