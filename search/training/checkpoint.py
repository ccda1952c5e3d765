"""A checkpoint: everything that lets another process continue a fit at its next epoch as if nothing had happened."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from studyhall.search.training.callbacks import BestEpoch, Throughput

FORMAT = 1

# What each callback must remember from epoch to epoch; Keras's own reset it when a fit begins.
STATE: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.History: ("history", "epoch"),
    BestEpoch: ("value", "epoch"),
    Throughput: ("batches", "seconds"),
}


class Checkpointer(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes a checkpoint after every epoch but the last, and continues from one.

    It must be the last callback: it saves what the others hold after the epoch, and gives it back to them after they have begun.

    Args:
        callbacks: the callbacks of the fit whose state is saved.
        save: called with the number of finished epochs and a file; the file is removed after the call.
        scratch: an existing folder for that file.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        save: Callable[[int, Path], None],
        scratch: Path,
    ) -> None:
        super().__init__()
        self._callbacks = [each for each in callbacks if type(each) in STATE]
        self._save = save
        self._path = scratch / "checkpoint.npz"
        self._states: list[dict[str, Any]] | None = None
        self._best_weights: list[Any] | None = None
        self._generators: tuple[list[Any], list[Any]] | None = None  # of `random` and of `numpy.random`

    def restore(self, path: Path, model: Any) -> int:
        """Put a model and its optimizer where a checkpoint left them; when the fit begins, the rest follows.

        Returns:
            The number of finished epochs, which is the `initial_epoch` of the fit.

        Raises:
            ValueError: the checkpoint is of another network.
        """
        with np.load(path, allow_pickle=False) as arrays:
            state = json.loads(bytes(arrays["state"]))
            model.optimizer.build(model.trainable_variables)
            _assign(model.variables, arrays, "variable")
            _assign(model.optimizer.variables, arrays, "optimizer")
            names = [name for name in arrays.files if name.startswith("best/")]
            self._best_weights = [arrays[f"best/{index}"] for index in range(len(names))] or None
        self._states = state["callbacks"]
        self._generators = state["random"], state["numpy"]
        return int(state["epochs"])

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        if self._generators is not None:
            # Not before: to learn the shapes of its batches, fit() has by now drawn an order of them that it drops.
            (version, numbers, gauss), (name, keys, position, has_gauss, cached) = self._generators
            random.setstate((version, tuple(numbers), gauss))
            np.random.set_state((name, np.array(keys, np.uint32), position, has_gauss, cached))
        if self._states is None:
            return
        for callback, state in zip(self._callbacks, self._states, strict=True):
            for name, value in state.items():
                setattr(callback, name, value)
            if isinstance(callback, BestEpoch):
                callback.weights = self._best_weights

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self.model.stop_training or epoch + 1 >= (self.params or {}).get("epochs", epoch + 1):
            return
        best = next((each.weights for each in self._callbacks if isinstance(each, BestEpoch)), None)
        name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
        state = {
            "format": FORMAT,
            "epochs": epoch + 1,
            "callbacks": [
                {name: getattr(each, name) for name in STATE[type(each)]} for each in self._callbacks
            ],
            "random": random.getstate(),
            "numpy": (name, np.asarray(keys).tolist(), position, has_gauss, cached),
        }
        np.savez(
            self._path,
            state=np.frombuffer(json.dumps(state, default=float).encode(), np.uint8),
            **_arrays(self.model.variables, "variable"),
            **_arrays(self.model.optimizer.variables, "optimizer"),
            **{f"best/{index}": value for index, value in enumerate(best or [])},
        )
        try:
            self._save(epoch + 1, self._path)
        finally:
            self._path.unlink(missing_ok=True)


def _arrays(variables: Sequence[Any], prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}/{index}": keras.ops.convert_to_numpy(variable) for index, variable in enumerate(variables)
    }


def _assign(variables: Sequence[Any], arrays: Any, prefix: str) -> None:
    held = sum(name.startswith(f"{prefix}/") for name in arrays.files)
    if held != len(variables):
        raise ValueError(f"the checkpoint holds {held} {prefix}s, the model has {len(variables)}")
    for index, variable in enumerate(variables):
        variable.assign(arrays[f"{prefix}/{index}"])
