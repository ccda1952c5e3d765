"""A checkpoint: all that another process needs to continue a training as if nothing had happened."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from studyhall.search.training.account import Account
from studyhall.search.training.callbacks import Throughput
from studyhall.search.training.rules import EarlyStopping, Plateau

FORMAT = 3
BEFORE = 2  # in which the best epoch's weights are there even if they are the last one's

# What each callback must remember from epoch to epoch; Keras's own reset it when a fit begins.
STATE: dict[type, tuple[str, ...]] = {
    EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    Plateau: ("wait", "best", "cooldown_counter"),
    Throughput: ("batches", "seconds"),
}


@dataclass(frozen=True)
class Saved:
    """A checkpoint, read from its file: `arrays` are those of the model, the optimizer and the best epoch."""

    state: dict[str, Any]
    arrays: dict[str, Any]

    def of(self, prefix: str) -> list[Any]:
        """Return the arrays of one kind, in their order."""
        count = sum(name.startswith(f"{prefix}/") for name in self.arrays)
        return [self.arrays[f"{prefix}/{index}"] for index in range(count)]


@dataclass
class FitSoFar:
    """One `fit` of a training: the index of its next epoch, as Keras counts, and what its History holds."""

    next_epoch: int = 0
    history: dict[str, list[Any]] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)

    def add(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Note a finished epoch."""
        self.next_epoch = epoch + 1
        self.epochs.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


class Checkpointer(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes a checkpoint after every epoch, and continues from one.

    A training may consist of several `fit` calls. One that continues passes over those that were finished,
    and over the finished epochs of the one that was not, while the user's code around them runs as ever. No
    checkpoint is written once a `fit` trained another model than the first one did, because that model's
    weights are not in it.

    It must be the last callback: it saves what the others hold after the epoch, and gives it back to them
    after they have begun.

    Args:
        account: The account of the training.
        callbacks: The callbacks of the fit whose state is saved.
        save: Called with the number of finished epochs and a file; the file is removed after the call.
        scratch: An existing folder for that file.
        single: Whether the training is one fit, whose last epoch needs no checkpoint.
    """

    def __init__(
        self,
        account: Account,
        callbacks: Sequence[keras.callbacks.Callback],
        save: Callable[[int, Path], None],
        scratch: Path,
        *,
        single: bool,
    ) -> None:
        super().__init__()
        self._account = account
        self._callbacks = [each for each in callbacks if type(each) in STATE]
        self._save = save
        self._path = scratch / "checkpoint.npz"
        self._single = single
        self._fits: list[FitSoFar] = []
        self._models: set[int] = set()
        self._resumed: Saved | None = None

    def resume(self, path: Path) -> None:
        """Have the training go on from a checkpoint; one that an older version wrote is passed over."""
        with np.load(path, allow_pickle=False) as arrays:
            state = json.loads(bytes(arrays["state"]))
            if state["format"] in (BEFORE, FORMAT):
                self._resumed = Saved(state, {name: arrays[name] for name in arrays.files if name != "state"})

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._models.add(id(self.model))
        number = len(self._fits)
        done = self._resumed.state["fits"][number] if self._resumed is not None else None
        self._fits.append(FitSoFar(**(done or {})))
        if self._resumed is None or done is None:
            return
        is_last = number + 1 == len(self._resumed.state["fits"])
        # Keras begins a fit at this epoch; its own BackupAndRestore says so in the same way.
        self.model._initial_epoch = done["next_epoch"] if is_last else (self.params or {})["epochs"]
        self.model.history.history, self.model.history.epoch = dict(done["history"]), list(done["epochs"])
        if is_last:
            self._restore(self._resumed)
            self._resumed = None

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self.model._initial_epoch = None

    def _restore(self, saved: Saved) -> None:
        """Put the model, its optimizer and everything else where the checkpoint left them.

        Raises:
            ValueError: The checkpoint is of another network.
        """
        model, state = self.model, saved.state
        model.optimizer.build(model.trainable_variables)
        _assign(model.variables, saved.of("variable"), "variables")
        _assign(model.optimizer.variables, saved.of("optimizer"), "optimizer variables")
        best = model.get_weights() if state.get("is_best") else saved.of("best") or None
        self._account.restore(state["account"], best)
        for callback, held in zip(self._callbacks, state["callbacks"], strict=True):
            for name, value in held.items():
                setattr(callback, name, value)
        # Not before: to learn the shapes of its batches, fit() has by now drawn an order of them that it
        # drops.
        (version, numbers, gauss), (name, keys, position, has_gauss, cached) = state["random"], state["numpy"]
        random.setstate((version, tuple(numbers), gauss))
        np.random.set_state((name, np.array(keys, np.uint32), position, has_gauss, cached))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        # A loop of the user's own keeps a state that is not ours to save, as does a model without an
        # optimizer.
        if not self._fits or getattr(self.model, "optimizer", None) is None:
            return
        self._fits[-1].add(epoch, logs or {})
        is_last = epoch + 1 >= (self.params or {}).get("epochs", epoch + 1)
        if len(self._models) > 1 or self.model.stop_training or (self._single and is_last):
            return
        name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
        account = self._account
        is_best = account.best_epoch == account.finished and _are_weights_of(self.model, account.weights)
        state = {
            "format": FORMAT,
            "is_best": is_best,
            "account": self._account.state(),
            "fits": [vars(each) for each in self._fits],
            "callbacks": [
                {name: getattr(each, name) for name in STATE[type(each)]} for each in self._callbacks
            ],
            "random": random.getstate(),
            "numpy": (name, np.asarray(keys).tolist(), position, has_gauss, cached),
        }
        np.savez(
            self._path,
            # With Python's own words for NaN and the infinities: what reads them here goes on with the same
            # numbers.
            state=np.frombuffer(json.dumps(state, default=_plain).encode(), np.uint8),
            **_arrays(self.model.variables, "variable"),
            **_arrays(self.model.optimizer.variables, "optimizer"),
            **_arrays([] if is_best else self._account.weights or [], "best"),
        )
        try:
            self._save(self._account.finished, self._path)
        finally:
            self._path.unlink(missing_ok=True)


def _are_weights_of(model: Any, weights: Sequence[Any] | None) -> bool:
    """Whether a model has these weights, so that they need not be saved twice."""
    own = model.get_weights()
    return (
        weights is not None
        and len(weights) == len(own)
        and all(np.array_equal(one, other) for one, other in zip(weights, own, strict=True))
    )


def _plain(value: Any) -> Any:
    """Return an array or a tensor, which Keras's History may hold, as numbers."""
    return np.asarray(keras.ops.convert_to_numpy(value)).tolist()


def _arrays(variables: Sequence[Any], prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}/{index}": keras.ops.convert_to_numpy(variable) for index, variable in enumerate(variables)
    }


def _assign(variables: Sequence[Any], arrays: Sequence[Any], what: str) -> None:
    if len(arrays) != len(variables):
        raise ValueError(f"the checkpoint holds {len(arrays)} {what}, the model has {len(variables)}")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
