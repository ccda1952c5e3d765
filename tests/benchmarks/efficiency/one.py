"""One search of one system, traced."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras

from tests.benchmarks.efficiency import systems
from tests.benchmarks.efficiency.systems import Search
from tests.benchmarks.efficiency.trace import Trace
from tests.benchmarks.efficiency.workload import workload

SEARCHES: dict[str, Callable[[Search], None]] = {
    "random": systems.random_search,
    "hyperband": systems.hyperband,
    "bayesian": systems.bayesian,
    "optuna": systems.optuna_defaults,
    "studyhall": systems.studyhall_defaults,
    "blind": systems.studyhall_blind,
}


def run_one(system: str, variant: str, seed: int, traces: Path, trials: int) -> None:
    """Search once, and leave the trace in a folder.

    Args:
        system: A key of `SEARCHES`; all but "random" need its trace of this variant and seed.
        variant: A key of `workload.ARGUMENTS`.
        seed: Of proposals and initial weights.
        traces: The folder.
        trials: Of RandomSearch.
    """
    limit = None if system == "random" else _seconds(traces / f"{variant}-{seed}-random.jsonl")
    keras.utils.set_random_seed(seed)
    with tempfile.TemporaryDirectory(prefix="efficiency-") as folder:
        loaded = workload(variant, seed, Path(folder))
        trace = Trace(traces / f"{variant}-{seed}-{system}.jsonl", limit)
        with trace.until_spent():
            SEARCHES[system](Search(variant, seed, trials, loaded, Path(folder), trace))


def _seconds(path: Path) -> float:
    return float(json.loads(path.read_text().splitlines()[-1])["cpu"])
