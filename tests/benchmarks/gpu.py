"""What one GPU does with Studyhall's training: throughput, feeding, several trials at once, and a score on a
budget.

    KERAS_BACKEND=jax PYTHONPATH=src python tests/benchmarks/gpu.py --data FOLDER --parts throughput pipeline

It needs Keras, NumPy and JAX with CUDA (or TensorFlow), this repository, and no network; with JAX neither
TensorFlow, nor KerasTuner, Optuna or a database. FOLDER is laid out as KERAS_HOME is. Every line is JSON with
the device, the versions and the load. A measurement that fails, of memory for one, prints its error and the
others go on; the exit code is then 1. `--smoke` runs every part tiny, on synthetic images.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ["seed-000", "seed-001", "seed-002-128", "seed-003", "seed-004", "studyhall-wide"]
Measurement = tuple[dict[str, Any], Callable[[], dict[str, Any]]]


def throughput(options: argparse.Namespace) -> Iterator[Measurement]:
    """Every network, batch size and precision, fed on the device."""
    from tests.benchmarks import gpu_parts

    for network in options.networks:
        for precision in options.precisions:
            for batch_size in options.batch_sizes:
                yield (
                    {"network": network, "precision": precision, "batch_size": batch_size},
                    partial(gpu_parts.speed, options, network, precision, batch_size),
                )


def pipeline(options: argparse.Namespace) -> Iterator[Measurement]:
    """Studyhall's ways of feeding against the seeds' and against arrays in memory; decides batches per
    execution.
    """
    from tests.benchmarks import gpu_parts

    for network in options.fed:
        for batch_size in options.batch_sizes:
            yield (
                {"network": network, "batch_size": batch_size},
                partial(gpu_parts.feeding_ways, options, network, batch_size),
            )


def together(options: argparse.Namespace) -> Iterator[Measurement]:
    """K trials in one compiled step, then K slots; needs JAX."""
    from tests.benchmarks import gpu_parts

    for network in options.fed:
        for way, counts in (
            ("together", options.trials),
            ("slots", [] if options.no_slots else options.slots),
        ):
            for trials in counts:
                yield (
                    {"network": network, "way": way, "trials": trials},
                    partial(gpu_parts.trials_at_once, options, network, way, trials),
                )


def quality(options: argparse.Namespace) -> Iterator[Measurement]:
    """One network trained for some minutes, and its score by the published protocol."""
    from tests.benchmarks import gpu_parts

    yield {"network": options.preset}, partial(gpu_parts.score, options)


PARTS = {"throughput": throughput, "pipeline": pipeline, "together": together, "quality": quality}


def parse() -> argparse.Namespace:
    """Read the command line; `--smoke` makes everything small."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a folder laid out as KERAS_HOME; default: KERAS_HOME")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--networks", nargs="+", default=SEEDS, help="presets, or quickstart: throughput")
    parser.add_argument("--fed", nargs="+", default=["seed-003", "quickstart"], help="pipeline and together")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 256, 1024])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--images", type=int, default=32_768, help="in a timed epoch")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--trials", type=int, nargs="+", default=[1, 2, 4, 8], help="K at once")
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 2, 4, 8], help="K processes at once")
    parser.add_argument("--no-slots", action="store_true", help="no processes")
    parser.add_argument("--steps", type=int, default=64, help="in one execution of K trials")
    parser.add_argument("--seconds", type=float, default=10.0, help="that slots train for")
    parser.add_argument("--preset", default="studyhall-wide", help="quality: a preset")
    parser.add_argument("--arguments", type=json.loads, default={}, help="quality: settings over it, as JSON")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="quality")
    parser.add_argument("--batch-size", type=int, default=64, help="quality")
    parser.add_argument("--precision", default="bfloat16", help="quality: float32 or bfloat16")
    parser.add_argument("--minutes", type=float, default=8.0, help="quality: of training")
    parser.add_argument("--epoch-images", type=int, default=65_536, help="quality")
    parser.add_argument("--rounds", type=int, default=10, help="quality: of the score")
    parser.add_argument("--samples", type=int, default=5000, help="quality: in a round")
    parser.add_argument("--smoke", action="store_true", help="does it run at all?")
    options = parser.parse_args()
    options.source, options.held_out = "mnist-fashion", 5000
    if options.smoke:
        small = {"filters": 2, "pools": 1, "convolutions": 1, "normalisation": "none"}
        vars(options).update(
            source="synthetic", held_out=64, networks=["tiny"], fed=["tiny"], batch_sizes=[8], images=32
        )
        vars(options).update(repetitions=1, trials=[2], slots=[1], steps=2, seconds=0.5, arguments=small)
        vars(options).update(batch_size=8, minutes=0.02, epoch_images=16, rounds=2, samples=16)
    return options


def main() -> int:
    """Run the parts; return 1 where a measurement failed."""
    options = parse()
    if options.data is not None:
        if not (options.data / "datasets" / "mnist.npz").is_file():
            sys.stderr.write(
                f"{options.data} holds no datasets/mnist.npz: give a folder laid out as KERAS_HOME\n"
            )
            return 2
        os.environ["KERAS_HOME"] = str(options.data.resolve())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Slots share the memory with this process.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    import keras

    from tests.benchmarks import feeding

    failed = False
    for part in options.parts:
        for asked, measure in PARTS[part](options):
            try:
                found = measure()
            except Exception as error:  # noqa: BLE001 - one that does not fit must not cost the rest of a lease
                found = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
                failed = True
            keras.utils.clear_session(free_memory=True)
            sys.stdout.write(json.dumps({"part": part, **asked, **found, **feeding.machine()}) + "\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
