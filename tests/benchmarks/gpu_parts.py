"""The parts of gpu.py, each returning what one measurement found."""

import argparse
import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from studyhall.data.separation import TrainingData, load
from studyhall.data.sources import Images, load_source
from studyhall.data.splits import split
from studyhall.models.architecture import Architecture
from studyhall.models.presets import find_preset
from studyhall.search.training.resident import resident
from studyhall.search.training.schedules import HoldThenCosine
from tests.benchmarks import feeding, several_trials
from tests.support.measures import peak_tflops, round_errors, training_flops

MEASURED_EPOCHS = 3  # of the quality run: the first compiles, the others tell how many fit into the minutes
MOST_MIXTURES = 1024  # of an execution


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Have networks that are built meanwhile compute in float32 or in bfloat16 with float32 weights."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _images(options: argparse.Namespace) -> Images:
    return split(load_source(options.source), options.held_out).train


def speed(options: argparse.Namespace, network: str, precision: str, batch_size: int) -> dict[str, Any]:
    """Images per second of one network, and the share of the chip's peak."""
    architecture = feeding.architecture_of(network)
    images = options.images // batch_size * batch_size
    with computing_in(precision):
        epochs, open_ways = feeding.ways(["device"], _images(options), architecture, batch_size, images)
        flops = training_flops(feeding.compiled(architecture))
    with open_ways:
        first, _ = epochs["device"]()
        seconds = [epochs["device"]()[0] for _ in range(options.repetitions)]
    rate = feeding.spread([images / each for each in seconds])
    peak = peak_tflops(feeding.device(), precision)
    return {
        "images_per_second": rate,
        "first_seconds": round(first, 1),
        "gflop_per_image": round(flops / 1e9, 3),
        "tflops": round(rate["median"] * flops / 1e12, 2),
        "percent_of_peak": None if peak is None else round(100 * rate["median"] * flops / 1e12 / peak, 1),
    }


def feeding_ways(options: argparse.Namespace, network: str, batch_size: int) -> dict[str, Any]:
    """Images per second of each way of feeding, in turns."""
    images = options.images // batch_size * batch_size
    wanted = (1, MOST_MIXTURES // batch_size, 4 * MOST_MIXTURES // batch_size)
    counts = sorted({min(max(count, 1), images // batch_size) for count in wanted})
    names = ["array", "generator", "host", *(f"device-{count}" for count in counts)]
    epochs, open_ways = feeding.ways(
        names, _images(options), feeding.architecture_of(network), batch_size, images
    )
    with open_ways:
        times = feeding.interleaved(epochs, options.repetitions)
    return {
        "images_per_second": {
            name: feeding.spread([images / wall for wall, _ in taken]) for name, taken in times.items()
        }
    }


def trials_at_once(options: argparse.Namespace, network: str, way: str, trials: int) -> dict[str, Any]:
    """Images per second of K trials, in one compiled step or in a process each."""
    if keras.backend.backend() != "jax":
        return {"left_out": "needs KERAS_BACKEND=jax"}
    batch_size = min(options.batch_sizes)
    work = several_trials.Work(network, _images(options), batch_size, options.steps, executions=1)
    if way == "together":
        return several_trials.measure_together(work, trials, options.repetitions)
    return several_trials.measure_slots(work, options.source, trials, options.seconds)


class Annealed(keras.callbacks.Callback):  # type: ignore[misc]
    """Trains for some seconds: keeps the rate up for half of the epochs that fit into them, then anneals it
    to nothing.

    How many fit is known after the first few, which are part of the training; `curve` holds each epoch's
    validation error.
    """

    def __init__(self, peak: float, seconds: float) -> None:
        super().__init__()
        self.peak, self.deadline = peak, time.perf_counter() + seconds
        self.epochs: int | None = None
        self.curve: list[float] = []
        self._warm = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        rate = self.peak
        if self.epochs is not None:
            rate = float(HoldThenCosine(self.peak, self.epochs, hold=0.5)(epoch))
        self.model.optimizer.learning_rate = rate

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.curve.append(float((logs or {})["val_loss"]))
        if epoch == 0:
            self._warm = time.perf_counter()
        if epoch + 1 == MEASURED_EPOCHS:
            each = (time.perf_counter() - self._warm) / (MEASURED_EPOCHS - 1)
            left = max(self.deadline - time.perf_counter(), 0.0)
            self.epochs = MEASURED_EPOCHS + int(left / each)
        if self.epochs is not None and epoch + 1 >= self.epochs:
            self.model.stop_training = True


def score(options: argparse.Namespace) -> dict[str, Any]:
    """Train a preset for some minutes, and evaluate it on 10 x 5000 mixtures of test images."""
    settings = find_preset(options.preset).architecture.hyperparameters() | options.arguments
    keras.utils.set_random_seed(0)
    with computing_in(options.precision):
        model = feeding.compiled(Architecture(**settings), options.learning_rate)
    data = _data(options)
    annealed = Annealed(options.learning_rate, 60 * options.minutes)
    began = time.perf_counter()
    together = max(1, min(MOST_MIXTURES, options.epoch_images) // options.batch_size)
    with resident(model, data.train, data.validation, together) as (train, validation):
        model.fit(
            train, validation_data=validation, epochs=10**6, shuffle=False, verbose=0, callbacks=[annealed]
        )
    seconds = time.perf_counter() - began
    errors = round_errors(
        model, load_source(options.source).test, feeding.MIX, options.rounds, options.samples
    )
    return {
        "settings": settings,
        "precision": options.precision,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "parameters": int(model.count_params()),
        "epochs": len(annealed.curve),
        "images": len(annealed.curve) * options.epoch_images,
        "seconds": round(seconds, 1),
        "score": {"mean": float(np.mean(errors)), "std": float(np.std(errors))},
        "curve": [round(value, 7) for value in annealed.curve],
        "data": data.fingerprint,
    }


def _data(options: argparse.Namespace) -> TrainingData:
    return load(
        options.source,
        feeding.MIX,
        options.epoch_images,
        options.samples,
        options.held_out,
        options.batch_size,
        seed=0,
    )
