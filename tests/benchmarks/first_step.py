"""What the first step of a training costs: python tests/benchmarks/first_step.py --repetitions 3.

A U-Net of 8 filters and 2 pools under Adam, built and trained for one batch of 32, then for ten more; one
thread. CPU seconds, median and range over the repetitions, which take turns. "before" makes the optimizer's
variables before the first step,
"fused" is all that a trial does, "plain graph" is Keras alone without TensorFlow's graph optimizer.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[variable] = "1"

WAYS = ("Keras alone", "plain graph", "before", "fused")
STEPS = 10


def measure(way: str) -> tuple[float, float]:
    """Return the CPU seconds of building, compiling and the first step, and those of each of ten steps that
    follow.
    """
    import keras
    import numpy as np

    from studyhall.models import SeparationHyperModel
    from studyhall.search.bridge.hyperparameters import plain_hyperparameters
    from studyhall.search.training.first_step import FirstStep

    random = np.random.default_rng(0)
    x, y = (random.random((32 * STEPS, 32, 32, channels), np.float32) for channels in (1, 2))
    keras.utils.clear_session(free_memory=True)
    keras.utils.set_random_seed(0)
    hypermodel = SeparationHyperModel(preset="seed-002-32", filters=8)
    began = time.process_time()
    model = hypermodel.build(plain_hyperparameters({}))
    if way == "before":
        model.optimizer.build(model.trainable_variables)
    callbacks = [FirstStep()] if way == "fused" else []
    arguments: dict[str, Any] = {"batch_size": 32, "shuffle": False, "verbose": 0, "callbacks": callbacks}
    with graph_optimizer(way != "plain graph"):
        model.fit(x[:32], y[:32], **arguments)
        first = time.process_time()
        model.fit(x, y, **arguments)
    return first - began, (time.process_time() - first) / STEPS


@contextmanager
def graph_optimizer(on: bool) -> Iterator[None]:
    """Turn TensorFlow's graph optimizer off for a while, if it is not to be on."""
    import tensorflow

    tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": not on})
    try:
        yield
    finally:
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


def main() -> int:
    """Measure all ways in turn, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    measure("Keras alone")  # the first one in a process loads libraries
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(options.repetitions):
        for way in WAYS:
            found[way].append(measure(way))
    for way, times in found.items():
        first, each = zip(*times, strict=True)
        sys.stdout.write(
            f"{way:12} first {median(first):.2f} s ({min(first):.2f} to {max(first):.2f}), "
            f"each of the others {1000 * median(each):.0f} ms ({1000 * min(each):.0f} to {1000 * max(each):.0f})\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
