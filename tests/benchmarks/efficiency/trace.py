"""The trace of one search: a line of JSON at the end of each epoch, and what it had cost until then."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import keras


class BudgetSpentError(BaseException):
    """Leaves the search, whichever it is: none of them catches what is no Exception."""


class Trace:
    """Writes a search's trace; the file has its name only when the search came to its end.

    Args:
        path: The file.
        limit: CPU seconds after which the search ends with its epoch; None for no limit.
    """

    def __init__(self, path: Path, limit: float | None) -> None:
        self._path = path
        self._limit = limit
        self._cpu = self._wall = 0.0  # when the search began
        self._lines: list[dict[str, Any]] = []

    def epoch(self, trial: int, epoch: int, value: float, **facts: Any) -> None:
        """Note an epoch (from 1) that ended now; raises BudgetSpentError after the last one that there is
        time for.
        """
        line = self._now() | {"trial": trial, "epoch": epoch, "value": value} | facts
        self._lines.append(line)
        if self._limit is not None and line["cpu"] >= self._limit:
            raise BudgetSpentError

    def _now(self) -> dict[str, float]:
        return {
            "cpu": round(time.process_time() - self._cpu, 3),
            "wall": round(time.monotonic() - self._wall, 3),
        }

    @contextmanager
    def until_spent(self) -> Iterator[None]:
        """Run a search to its end or to that of its budget, and write the file."""
        self._cpu, self._wall = time.process_time(), time.monotonic()
        with suppress(BudgetSpentError):
            yield
        self._lines.append(self._now() | {"end": True})
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text("".join(json.dumps(line) + "\n" for line in self._lines))
        unfinished.rename(self._path)


class Witness(keras.callbacks.Callback):  # type: ignore[misc]
    """Traces each epoch of a search that is not ours, and tells the data which epoch it is.

    KerasTuner copies callbacks for each trial; this one stays itself.
    """

    def __init__(self, trace: Trace, train: Any) -> None:
        super().__init__()
        self._trace = trace
        self._train = train
        self._trial = -1

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        return self

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._trial += 1
        activation = self.model.get_layer("encoder_1_activation_1").activation.__name__
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self._network = {
            "parameters": self.model.count_params(),
            "activation": activation,
            "learning_rate": rate,
        }

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._train.set_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._trace.epoch(self._trial, epoch + 1, float((logs or {})["val_loss"]), **self._network)
