"""A person at work with plain Keras, who has never heard of Studyhall; run as a file, `python -I by_hand.py`.

For each line of its input, the JSON of a `Work`, it loads the model, trains the configuration again, and
answers with a line of JSON:
{"policies": of the loaded model's layers, "value": the objective of the loaded model, "history": of the
training by hand, "returned": by `fit` where that is a table of numbers, "studyhall": whether it was imported}
or {"error": a traceback}.
"""

import importlib.util
import json
import os
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np


@dataclass(frozen=True)
class Work:
    """What is to be done, and with what."""

    # The folder of the project, and the functions or classes in its module.
    folder: str
    module: str
    build: str
    load: str
    metric: str
    # The saved model, and what the manifest says that loading it needs; None where that is nothing.
    model: str
    loading: dict[str, Any] | None
    # The configuration, and how it is trained.
    values: dict[str, Any]
    seed: int
    epochs: int


class Curve(keras.callbacks.Callback):  # type: ignore[misc]
    """What the epochs of a training came to."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note an epoch's logs."""
        for name, value in logs.items():
            self.history.setdefault(name, []).append(np.asarray(value).tolist())


def done(work: Work) -> dict[str, Any]:
    """Load the model, train by hand, and return what came of both."""
    # The last project's policy goes, too; this one's module sets its own.
    keras.utils.clear_session()
    loading = work.loading or {}
    # Nothing of the project is imported yet, unless the manifest says that it is needed.
    model = None if loading else keras.models.load_model(work.model)
    module = imported(work.module, Path(work.folder))
    if model is None:
        objects = {name: getattr(module, name) for name in loading["custom_objects"]}
        model = keras.models.load_model(
            work.model, objects, compile=loading["compile"], safe_mode=loading["safe_mode"]
        )
    train, validation = getattr(module, work.load)()
    value = value_of(model, work.metric, *validation)
    hp = keras_tuner.HyperParameters()
    hp.values = dict(work.values)
    made = getattr(module, work.build)
    hypermodel = made() if isinstance(made, type) else Function(made)
    keras.utils.set_random_seed(work.seed)
    trained, curve = hypermodel.build(hp), Curve()
    given, more = (train, {"batch_size": 8}) if isinstance(train, tuple) else ((train,), {})
    returned = hypermodel.fit(
        hp,
        trained,
        *given,
        validation_data=validation,
        epochs=work.epochs,
        callbacks=[curve],
        verbose=0,
        **more,
    )
    return {
        "policies": [layer.dtype_policy.name for layer in model.layers],
        "value": value,
        "history": curve.history,
        "returned": returned if isinstance(returned, dict) else None,
        "studyhall": "studyhall" in sys.modules,
    }


class Function(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel that builds by a function."""

    def __init__(self, build: Any) -> None:
        super().__init__()
        self.build = build


def imported(name: str, folder: Path) -> Any:
    """Import a project's module."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def value_of(model: Any, metric: str, x: Any, y: Any) -> float:
    """The objective of a model, by its predictions and NumPy."""
    found = np.asarray(model.predict(x, verbose=0), "float64")
    if metric == "val_macro":
        guess = np.eye(y.shape[1])[found.argmax(axis=1)]
        return float(np.mean(2 * (guess * y).sum(axis=0) / (guess.sum(axis=0) + y.sum(axis=0))))
    if metric == "val_r2_score":
        return float(1 - ((y - found) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    loss = float(np.mean((found - y) ** 2))
    return len(y) * float(np.log(loss)) + 2 * model.count_params() if metric == "aic" else loss


def main() -> None:
    """Answer each line of the input."""
    answers = os.fdopen(os.dup(1), "w")
    # What Keras prints is no answer.
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        try:
            answer = done(Work(**json.loads(line)))
        except Exception:  # noqa: BLE001 - whatever it is, the test shows it
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
