"""Images per second of one training epoch, Studyhall's way of feeding against the seeds' and against arrays
in memory.

    KERAS_HOME=../shared/keras .venv/bin/python tests/benchmarks/training_throughput.py --network quickstart

All ways train the same compiled network in one process, in turns; the first turn, which compiles, is not
counted. Prints a line of JSON for each batch size: images per second as median and range, and Studyhall's
speed in percent of the others', turn by turn, by the wall clock and by CPU time; on a machine that others use
too, the second is the steadier one.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from studyhall.data.sources import load_source
from studyhall.data.splits import split
from tests.benchmarks import feeding

OURS = ("host", "device")
Times = tuple[float, float]


def measure(options: argparse.Namespace, batch_size: int) -> dict[str, Any]:
    """Time every way with one batch size."""
    held_out = 5000 if options.source == "mnist-fashion" else 64
    images = split(load_source(options.source), held_out).train
    samples = max(options.images // batch_size, 1) * batch_size
    architecture = feeding.architecture_of(options.network)
    epochs, open_ways = feeding.ways(options.ways, images, architecture, batch_size, samples)
    before = feeding.machine()
    with open_ways:
        seconds = feeding.interleaved(epochs, options.repetitions)
    rates = {name: [samples / wall for wall, _ in taken] for name, taken in seconds.items()}
    pairs = [
        (ours, other)
        for ours in seconds
        for other in seconds
        if ours.startswith(OURS) > other.startswith(OURS)
    ]
    return {
        "network": options.network,
        "batch_size": batch_size,
        "images": samples,
        "repetitions": options.repetitions,
        "images_per_second": {name: feeding.spread(values) for name, values in rates.items()},
        "percent": {f"{a}/{b}": feeding.spread(shares(seconds[b], seconds[a], 0)) for a, b in pairs},
        "percent_by_cpu": {f"{a}/{b}": feeding.spread(shares(seconds[b], seconds[a], 1)) for a, b in pairs},
        **before,
    }


def shares(whole: Sequence[Times], part: Sequence[Times], clock: int) -> list[float]:
    """Return the speed of `part`'s epochs in percent of that of `whole`'s, turn by turn, by one of their
    clocks.
    """
    return [100 * a[clock] / b[clock] for a, b in zip(whole, part, strict=True)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="quickstart", help="quickstart, or a preset such as seed-003")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 64, 256])
    parser.add_argument("--images", type=int, default=1536, help="in an epoch, rounded down to whole batches")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--ways",
        nargs="+",
        default=["array", "generator", "host"],
        help="of: array, generator, host, device, device-N",
    )
    parser.add_argument("--source", default="mnist-fashion", help="mnist-fashion or synthetic")
    options = parser.parse_args()
    for batch_size in options.batch_sizes:
        sys.stdout.write(json.dumps(measure(options, batch_size)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
