"""What a search costs beside its training: its start, the time between two trials, and every epoch's end.

Run it by hand, on an idle machine if you can:

    KERAS_HOME=../shared/keras .venv/bin/python tests/benchmarks/overheads.py

One HyperModel (the quickstart's network, drawn from the quickstart's space) with one clock in it is trained
three ways in turn, each in a process of its own: by `studyhall search`, by KerasTuner's RandomSearch, and by
a bare Keras script, on the same data, with the same number of epochs. The clock stamps when `build` and `fit`
begin and end, the first training step, and every callback's end of every epoch:

- *start*: from the command to the end of the first training step. Studyhall trains two batches of a new
study's default model
  before it makes anything (`check`); the first step of a trial comes later.
- *between trials*: from the end of one trial's `fit` to the call of the next one's `build`.
- *preparing*: from there to the end of the trial's first step, nearly all of it the backend's tracing or
compiling.
- *an epoch's end*: what each callback takes there, median over epochs; for Studyhall that is the report, the
checkpoint and the rest.

Prints a table, and one line of JSON.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAYS = ("studyhall", "keras-tuner", "keras")

# Everything that the three ways train, in a file of its own as a user has it.
MODEL = """
import json, os, time

import keras
from studyhall.data.separation import load
from studyhall.models import SeparationHyperModel

SPACE = {
    "filters": {"values": [8, 12], "default": 8}, "pools": {"values": [2, 3], "default": 2},
    "convolutions": {"min": 1, "max": 2, "default": 2}, "activation": ["relu", "leaky_relu", "silu"],
    "normalisation": ["batch", "none"], "upsampling": "nearest", "head": ["consistent", "independent"],
    "output_activation": "sigmoid", "learning_rate": {"min": 1e-3, "max": 2e-2, "log": True, "default": 1e-2},
}


def stamp(event):
    with open(os.environ["STAMPS"], "a") as file:
        file.write(json.dumps([event, time.time()]) + "\\n")


class Stamp(keras.callbacks.Callback):
    def __init__(self, name):
        super().__init__()
        self.name, self.first = name, name == ""

    def on_train_batch_end(self, batch, logs=None):
        if self.first:
            stamp("first step")
            self.first = False

    def on_epoch_end(self, epoch, logs=None):
        stamp("epoch end:" + self.name)


class Stamped(SeparationHyperModel):
    def __init__(self):
        super().__init__(**SPACE)

    def build(self, hp):
        stamp("build")
        return super().build(hp)

    def fit(self, hp, model, *args, callbacks=(), **arguments):
        stamps = [Stamp("")]
        for callback in callbacks or ():
            stamps += [callback, Stamp(type(callback).__name__)]
        arguments["shuffle"] = False
        history = super().fit(hp, model, *args, callbacks=stamps, **arguments)
        stamp("fitted")
        return history


def data(samples, validation):
    return load("mnist-fashion", "mean", samples, validation, 5000, 32, 0)
"""

STUDY = """
name = "overheads"
hypermodel = "model.py:Stamped"
sampler = "random"
pruner = "none"
search = {{ trials = {trials}, seed = 0, repeat = true }}
data = {{ source = "mnist-fashion", samples_per_epoch = {samples}, validation_samples = {validation}, validation_images = 5000 }}
training = {{ epochs = {epochs}, batch_size = 32, early_stopping = {{ patience = {epochs} }} }}
retraining = {{ epochs = 1, samples_per_epoch = 32 }}
"""

KERAS_TUNER = """
import keras, keras_tuner
from model import Stamped, data
examples = data({samples}, {validation})
tuner = keras_tuner.RandomSearch(
    Stamped(), objective="val_loss", max_trials={trials}, seed=0, directory="tuner", overwrite=True
)
rules = [
    keras.callbacks.EarlyStopping(monitor="val_loss", patience={epochs}),
    keras.callbacks.ReduceLROnPlateau(monitor="val_loss"),
]
tuner.search(examples.train, validation_data=examples.validation, epochs={epochs}, callbacks=rules, verbose=0)
"""

KERAS = """
import keras, keras_tuner
from model import Stamped, data
examples = data({samples}, {validation})
hp = keras_tuner.HyperParameters()
hypermodel = Stamped()
model = hypermodel.build(hp)
hypermodel.fit(hp, model, examples.train, validation_data=examples.validation, epochs={epochs}, verbose=0)
"""


@dataclass(frozen=True)
class Trial:
    """When (in seconds since the epoch) one call of `build` began, its first step and its fit ended, and each
    epoch end's costs.
    """

    build: float
    first_step: float
    fitted: float
    epoch_ends: dict[str, list[float]]


def run(way: str, folder: Path, numbers: dict[str, int]) -> tuple[float, list[Trial]]:
    """Train one way, in `folder`; returns when it was started, and every model that was built and trained."""
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    (folder / "overheads.toml").write_text(STUDY.format(**numbers))
    (folder / "keras_tuner_script.py").write_text(KERAS_TUNER.format(**numbers))
    (folder / "keras_script.py").write_text(KERAS.format(**numbers))
    stamps = folder / "stamps"
    commands = {
        "studyhall": ["-m", "studyhall.search", "search", "overheads.toml"],
        "keras-tuner": ["keras_tuner_script.py"],
        "keras": ["keras_script.py"],
    }
    began = time.time()
    subprocess.run(
        [sys.executable, *commands[way]],
        cwd=folder,
        env=os.environ | {"STAMPS": str(stamps), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return began, list(trials_of([json.loads(line) for line in stamps.read_text().splitlines()]))


def trials_of(stamps: Sequence[tuple[str, float]]) -> Iterator[Trial]:
    """Put the stamps together, model by model; one that was built and not trained is left out."""
    seen: dict[str, float] = {}
    ends: dict[str, list[float]] = defaultdict(list)
    before = 0.0
    for event, at in stamps:
        if event == "build":
            seen, ends = {}, defaultdict(list)
        if event.startswith("epoch end:"):
            if name := event.partition(":")[2]:
                ends[name].append(at - before)
            before = at
        seen[event] = at
        if event == "fitted":
            yield Trial(seen["build"], seen["first step"], at, dict(ends))


def summary(way: str, began: float, models: Sequence[Trial], numbers: dict[str, int]) -> dict[str, Any]:
    """Return one way's figures, all in seconds."""
    checked = models[:1] if way == "studyhall" else []
    trials = models[len(checked) : len(checked) + numbers["trials"]]
    between = [after.build - before.fitted for before, after in itertools.pairwise(trials)]
    ends: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        for name, seconds in trial.epoch_ends.items():
            ends[name].extend(seconds)
    return {
        "way": way,
        "first_step": round((checked or trials)[0].first_step - began, 2),
        "first_step_of_a_trial": round(trials[0].first_step - began, 2),
        "between_trials": [round(each, 3) for each in between],
        "preparing": round(statistics.median(trial.first_step - trial.build for trial in trials), 2),
        "epoch_end": {name: round(statistics.median(seconds), 4) for name, seconds in ends.items()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run each way so many times in turn, and print what was seen."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way")
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--samples", type=int, default=320, help="mixtures in an epoch")
    parser.add_argument("--validation", type=int, default=64, help="mixtures to validate on")
    options = parser.parse_args(arguments)
    numbers = {name: getattr(options, name) for name in ("trials", "epochs", "samples", "validation")}
    load = os.getloadavg()[0]
    seen: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="overheads-") as folder:
        for number in range(options.rounds):
            for way in WAYS:
                began, models = run(way, Path(folder) / f"{way}-{number}", numbers)
                seen[way].append(summary(way, began, models, numbers))
    sys.stdout.write("way           first step  of a trial  between trials, median (max)  preparing\n")
    for way, rounds in seen.items():
        between = [each for one in rounds for each in one["between_trials"]]
        gap = f"{statistics.median(between):.3f} ({max(between):.3f})" if between else "-"
        first, trial, preparing = (
            statistics.median(one[key] for one in rounds)
            for key in ("first_step", "first_step_of_a_trial", "preparing")
        )
        sys.stdout.write(f"{way:12}  {first:10.2f}  {trial:10.2f}  {gap:>28}  {preparing:9.2f}\n")
    for way, rounds in seen.items():
        ends = {
            name: statistics.median(one["epoch_end"][name] for one in rounds)
            for name in rounds[0]["epoch_end"]
        }
        line = ", ".join(f"{name} {1000 * seconds:.1f} ms" for name, seconds in ends.items())
        sys.stdout.write(f"an epoch's end in {way}: {line or 'no callbacks'}\n")
    sys.stdout.write(
        json.dumps({"cpus": os.cpu_count(), "load_before": round(load, 1), **numbers, "runs": seen}) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
