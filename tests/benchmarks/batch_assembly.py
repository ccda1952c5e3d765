"""What assembling batches costs, as a share of the training time of a very small network on the same batches.

Run it by hand, on an idle machine if you can:

    KERAS_HOME=../shared/keras .venv/bin/python tests/benchmarks/batch_assembly.py

Both are timed in the same run, alternately, after a warm-up epoch. Training reads batches that were assembled
beforehand, so that neither time contains the other. The aim is a share below 5% by the wall clock; on a
machine that others use too, the share by CPU time is the steadier one.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from studyhall.data.mixtures import MIXES
from studyhall.data.separation import load

AIM = 5.0  # percent


class Assembled(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches that lie ready in memory."""

    def __init__(self, batches: list[Any]) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        return self.batches[index]


def network(filters: int, pools: int) -> Any:
    """Build an encoder-decoder with one 3x3 convolution a level and no skips: about the least that could be
    searched.
    """
    layers = keras.layers
    x = inputs = keras.Input((32, 32, 1))
    for level in range(pools):
        x = layers.Conv2D(filters * 2**level, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(filters * 2**pools, 3, padding="same", activation="relu")(x)
    for level in reversed(range(pools)):
        x = layers.UpSampling2D()(x)
        x = layers.Conv2D(filters * 2**level, 3, padding="same", activation="relu")(x)
    model = keras.Model(inputs, layers.Conv2D(2, 1)(x))
    model.compile("adam", "mse")
    return model


def clocks(work: Callable[[], Any]) -> tuple[float, float]:
    """Return how long a call takes: seconds on the wall, and of CPU in all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def spread(values: list[float], unit: str, digits: int) -> str:
    """Return median, range, mean and standard deviation of the repetitions, as one phrase."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    median, low, high, mean, sd = (
        f"{value:.{digits}f}"
        for value in (statistics.median(values), min(values), max(values), statistics.mean(values), deviation)
    )
    return f"{median} {unit} ({low} to {high}; mean {mean} +- {sd})"


def main() -> None:
    """Measure, print, and exit with status 1 if the median share misses the aim."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", default="mnist-fashion", help="mnist-fashion or synthetic")
    parser.add_argument("--mix", default="mean", choices=MIXES)
    parser.add_argument("--samples", type=int, default=6400, help="mixtures in an epoch")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--filters", type=int, default=8, help="of the network's first level")
    parser.add_argument("--pools", type=int, default=2, help="of the network")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument(
        "--smoke", action="store_true", help="a few batches of synthetic data: does it run at all?"
    )
    options = parser.parse_args()
    if options.smoke:
        options.source, options.samples, options.repetitions = "synthetic", 128, 2

    validation_images = 5000 if options.source == "mnist-fashion" else 64
    data = load(
        options.source, options.mix, options.samples, 1, validation_images, options.batch_size, seed=0
    )
    model = network(options.filters, options.pools)
    rows = []  # of assembling and training, each (wall, CPU) in seconds
    for epoch in range(options.repetitions + 1):
        data.train.set_epoch(epoch)
        # Batches are dropped as they come, as in training, where their memory is used again.
        assembling = clocks(lambda: [None for _ in data.train])
        ready = Assembled(list(data.train))
        training = clocks(lambda ready=ready: model.fit(ready, shuffle=False, verbose=0))  # type: ignore[misc]
        if epoch > 0:  # the first compiles, and touches the memory for the first time
            rows.append((assembling, training))

    shares = [100 * assembling[0] / training[0] for assembling, training in rows]
    cpu_shares = [100 * assembling[1] / training[1] for assembling, training in rows]
    workload = (
        f"{options.source}, mix {options.mix}: {options.samples} mixtures in batches of {options.batch_size}, "
        f"{model.count_params()} parameters, {keras.backend.backend()}, {len(os.sched_getaffinity(0))} cores, "
        f"{options.repetitions} repetitions; median (range; mean +- standard deviation)"
    )
    lines = [
        workload,
        f"assembling an epoch's batches  {spread([assembling[0] for assembling, _ in rows], 's', 4)}",
        f"training on them               {spread([training[0] for _, training in rows], 's', 3)}",
        f"share, by the wall clock       {spread(shares, '%', 2)}; aim < {AIM:g} %",
        f"share, by CPU time             {spread(cpu_shares, '%', 2)}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(0 if options.smoke or statistics.median(shares) < AIM else 1)


if __name__ == "__main__":
    main()
