"""The rules that a definition adds to a training, each where the model and its `fit` leave room.

Each says in `left_out` why it does not act on the `fit` in hand, None where it does. `displaced` is the same
for a `fit` that brings a callback of its own for the same thing.
"""

from collections.abc import Mapping
from typing import Any

import keras

from studyhall.search.training.logs import number_in
from studyhall.search.training.schedules import HoldThenCosine
from studyhall.studies.definition import EarlyStoppingSpec, PlateauSpec

EARLY_STOPPING, PLATEAU, COSINE = "early stopping", "learning-rate reduction", "cosine annealing"

_NO_OPTIMIZER = "the model has no optimizer"
A_CALLBACKS = "a callback sets the learning rate"
OWN_LOOP = "no model.fit() in fit() is given the callbacks"
_OWN_SCHEDULE = "the optimizer has a learning-rate schedule of its own"


class EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras's early stopping, by the objective; an epoch that does not report it counts for nothing."""

    rule = EARLY_STOPPING

    def __init__(self, metric: str, mode: str, spec: EarlyStoppingSpec) -> None:
        super().__init__(monitor=metric, mode=mode, patience=spec.patience, min_delta=spec.min_delta)
        self.displaced: str | None = None

    @property
    def left_out(self) -> str | None:
        """Why it does not act."""
        return self.displaced

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        value = number_in(logs, self.monitor)
        if self.left_out is None and value is not None:
            super().on_epoch_end(epoch, {self.monitor: value})


class Plateau(keras.callbacks.ReduceLROnPlateau):  # type: ignore[misc]
    """Keras's reduction of the learning rate, where the rate is a number that can be reduced."""

    rule = PLATEAU

    def __init__(self, metric: str, mode: str, spec: PlateauSpec) -> None:
        super().__init__(
            monitor=metric,
            mode=mode,
            factor=spec.factor,
            patience=spec.patience,
            min_delta=spec.min_delta,
            cooldown=spec.cooldown,
            min_lr=spec.min_learning_rate,
        )
        self.displaced: str | None = None

    @property
    def left_out(self) -> str | None:
        """Why it does not act."""
        return self.displaced or fixed_rate(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        value = number_in(logs, self.monitor)
        if value is not None and self.left_out is None:
            super().on_epoch_end(epoch, {self.monitor: value})


class Annealing(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives each `fit` a learning rate that is kept up and then annealed over the steps that it really has.

    Where Keras does not know the number of steps, they are counted in the first epoch, which has the peak
    rate. A `fit` that goes on with an optimizer begins at its peak again; its rate never stays at the end of
    the one before.

    Args:
        warmup: Share of the steps, from 0 to 1, over which the rate rises.
        hold: Share of the steps after which it begins to fall.
        final: The rate at the last step, as a share of the peak.
    """

    rule = COSINE

    def __init__(self, warmup: float, hold: float, final: float) -> None:
        super().__init__()
        self._shares = {"warmup": warmup, "hold": hold, "final": final}
        self.initial_epoch = 0  # of the fit in hand
        self._peaks: dict[int, float] = {}  # by the optimizer
        self._begun_at: int | None = None  # the step at which a fit of unknown length began
        self.displaced: str | None = None

    @property
    def left_out(self) -> str | None:
        """Why it does not act."""
        ours = id(getattr(self.model, "optimizer", None)) in self._peaks
        return self.displaced or (None if ours else fixed_rate(self.model))

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._begun_at = None
        if self.left_out is not None:
            return
        optimizer = self.model.optimizer
        if id(optimizer) not in self._peaks:
            self._peaks[id(optimizer)] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        steps = (self.params or {}).get("steps")
        if steps is None:
            self._begun_at = _steps_of(optimizer)
        else:
            self._anneal(optimizer, int(steps), _steps_of(optimizer))

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._begun_at is None or (steps := _steps_of(self.model.optimizer) - self._begun_at) == 0:
            return
        self._anneal(self.model.optimizer, steps, self._begun_at)
        self._begun_at = None

    def _anneal(self, optimizer: Any, steps_per_epoch: int, start: int) -> None:
        epochs = int((self.params or {}).get("epochs", 1)) - self.initial_epoch
        steps = max(1, steps_per_epoch * epochs)
        optimizer.learning_rate = HoldThenCosine(
            self._peaks[id(optimizer)], steps, start=start, **self._shares
        )
        # A step that was traced holds the rate that the optimizer had.
        if getattr(self.model, "train_function", None) is not None:
            self.model.make_train_function(force=True)


def is_for_a_callbacks_rate(error: Exception) -> bool:
    """Whether an error is a callback's that sets the learning rate, which our schedule forbids."""
    return (isinstance(error, TypeError) and "learning rate is not settable" in str(error)) or (
        isinstance(error, AttributeError) and "has no attribute 'assign'" in str(error)
    )


def fixed_rate(model: Any) -> str | None:
    """Return why nobody can set the learning rate of a model; None if it is a number that can be set."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return _NO_OPTIMIZER
    while hasattr(optimizer, "inner_optimizer"):  # of a LossScaleOptimizer, which float16 brings
        optimizer = optimizer.inner_optimizer
    if isinstance(getattr(optimizer, "_learning_rate", None), keras.Variable):
        return None
    return _OWN_SCHEDULE


def _steps_of(optimizer: Any) -> int:
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


Rule = EarlyStopping | Plateau | Annealing
