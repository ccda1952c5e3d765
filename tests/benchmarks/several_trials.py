"""Several trials of one architecture, trained together in one compiled step, against one after the other and
against slots.

    KERAS_BACKEND=jax .venv/bin/python tests/benchmarks/several_trials.py --network quickstart --trials 1 2 4
    8

Together, JAX's `vmap` runs Keras's own training step over K networks with weights, learning rates and
mixtures of their own. One after the other, K networks take K times as long as one, so that all of them have
the throughput of K = 1. Slots are K processes on the same device. Prints a line of JSON for each K: images
per second of all trials together.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import keras

from studyhall.data.batches import MixtureBatches
from studyhall.data.resident import ResidentBatches, compose_on_device
from studyhall.data.sources import Images, load_source
from tests.benchmarks import feeding


@dataclass(frozen=True)
class Work:
    """What each trial trains: `executions` times `steps` batches of one network at a time."""

    network: str
    images: Images
    batch_size: int
    steps: int
    executions: int

    @property
    def mixtures(self) -> int:
        """The mixtures that one trial is trained on."""
        return self.batch_size * self.steps * self.executions


def together(work: Work, trials: int) -> Callable[[], float]:
    """Return what trains K networks at once and returns the seconds."""
    import jax
    import numpy as np

    models = []
    for trial in range(trials):
        keras.utils.set_random_seed(trial)
        models.append(feeding.compiled(feeding.architecture_of(work.network), 1e-2 / 2**trial))
        models[-1].optimizer.build(models[-1].trainable_variables)
    states = [_state(model) for model in models]
    state = jax.tree.map(lambda *each: jax.numpy.stack(each), *states)
    batches = [
        MixtureBatches(
            work.images,
            mix=feeding.MIX,
            batch_size=work.batch_size,
            samples=work.mixtures,
            seed=trial,
            stream="train",
        )
        for trial in range(trials)
    ]
    held = ResidentBatches(batches[0])
    # (all steps, trials, batch, 2)
    pairs = np.stack([each.pairs.reshape(-1, work.batch_size, 2) for each in batches], axis=1).astype(
        np.int32
    )
    step = models[0].train_step

    def one(state: Any, digits: Any, items: Any, pairs: Any) -> tuple[Any, Any]:
        logs, state = step(state, compose_on_device(digits, items, pairs, feeding.MIX))
        return tuple(list(part) for part in state), logs["loss"]

    every = jax.vmap(one, in_axes=(0, None, None, 0))

    def steps_of_all(state: Any, digits: Any, items: Any, pairs: Any) -> tuple[Any, Any]:
        if len(pairs) == 1:  # on CPUs, XLA's convolutions are many times slower inside a loop
            found: tuple[Any, Any] = every(state, digits, items, pairs[0])
            return found
        state, losses = jax.lax.scan(lambda s, p: every(s, digits, items, p), state, pairs)
        return state, losses[-1]

    run = jax.jit(steps_of_all, donate_argnums=0)

    def trained() -> float:
        nonlocal state
        began = time.perf_counter()
        for begin in range(0, len(pairs), work.steps):
            state, losses = run(state, held.digits, held.items, pairs[begin : begin + work.steps])
        if not np.isfinite(losses).all():  # which waits for them
            raise ArithmeticError(f"losses {losses}")
        return time.perf_counter() - began

    return trained


def _state(model: Any) -> tuple[list[Any], ...]:
    """Return what Keras's training step under JAX takes."""
    x = keras.ops.zeros((1, 32, 32, 1))
    y = keras.ops.zeros((1, 32, 32, 2))
    model.compute_loss(x, y, y)
    model.compute_metrics(x, y, y)
    parts = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    return tuple([variable.value for variable in part] for part in parts)


def measure_together(work: Work, trials: int, repetitions: int) -> dict[str, Any]:
    """Time K trials at once; the first run compiles and is dropped."""
    trained = together(work, trials)
    compiling = trained()
    rates = [trials * work.mixtures / trained() for _ in range(repetitions)]
    return {
        "way": "together",
        "trials": trials,
        "images_per_second": feeding.spread(rates),
        "first_seconds": round(compiling, 1),
    }


def measure_slots(work: Work, source: str, trials: int, seconds: float) -> dict[str, Any]:
    """Time K processes that train one trial each on the same device, begun together when all have
    compiled.
    """
    command = [sys.executable, __file__, "--network", work.network, "--batch-size", f"{work.batch_size}"]
    command += ["--steps", f"{work.steps}", "--executions", f"{work.executions}"]
    command += ["--source", source, "--as-slot", f"{seconds}"]
    environment = os.environ | {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / trials:.3f}",
    }
    slots = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(trials)
    ]
    try:
        for slot in slots:
            assert slot.stdout is not None
            if slot.stdout.readline().strip() != "ready":
                raise RuntimeError(f"a slot of {trials} ended before it was ready")
        for slot in slots:
            assert slot.stdin is not None
            slot.stdin.write("go\n")
            slot.stdin.flush()
        rates = [float(slot.communicate()[0]) for slot in slots]
    finally:
        for slot in slots:
            slot.kill()
    return {"way": "slots", "trials": trials, "images_per_second": {"median": round(sum(rates), 1)}}


def be_a_slot(work: Work, seconds: float) -> None:
    """Compile, say so, wait for a line, train for so many seconds, print images per second."""
    trained = together(work, 1)
    trained()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began, runs = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        trained()
        runs += 1
    sys.stdout.write(f"{runs * work.mixtures / (time.perf_counter() - began)}\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="quickstart", help="quickstart, or a preset such as seed-003")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--trials", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--steps", type=int, default=1, help="in one execution; 1 on CPUs")
    parser.add_argument("--executions", type=int, default=8, help="that are timed together")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--slots", type=int, nargs="*", default=[], help="also so many processes")
    parser.add_argument("--seconds", type=float, default=10.0, help="that slots train for")
    parser.add_argument("--source", default="mnist-fashion", help="mnist-fashion or synthetic")
    parser.add_argument("--as-slot", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    images = load_source(options.source).train
    work = Work(options.network, images, options.batch_size, options.steps, options.executions)
    if options.as_slot:
        be_a_slot(work, options.as_slot)
        return
    common = {"network": options.network, "batch_size": options.batch_size}
    measurements = [
        partial(measure_together, work, trials, options.repetitions) for trials in options.trials
    ] + [partial(measure_slots, work, options.source, slots, options.seconds) for slots in options.slots]
    for measure in measurements:
        load = feeding.machine()
        sys.stdout.write(json.dumps(common | measure() | load) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
