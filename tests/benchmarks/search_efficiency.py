"""How much training a search needs until it is as good as KerasTuner's RandomSearch at its very end.

    KERAS_HOME=... python tests/benchmarks/search_efficiency.py --traces DIR --seeds 0 1 2 3 4
    python tests/benchmarks/search_efficiency.py --traces DIR --report

The same HyperModel, data, epochs and callbacks for KerasTuner's RandomSearch, Hyperband and
BayesianOptimization, Optuna with its defaults, and Studyhall with its own. Studyhall begins with the
HyperModel's own default configuration, which nobody else looks at; "blind" is Studyhall where that is worth
nothing: the defaults of a HyperModel that names none. Variants: "independent" has one head, "heads" may also
choose the consistent one, which alone decides much. Each search is a process of its own with one thread on
one core, which writes a trace: the CPU seconds, trial, epoch and validation error at the end of each epoch.
Imports and the loading of the data do not count; building, tracing, training, validation, proposals,
checkpoints and the storage do, and so does Studyhall's dry run before it creates a study. All but
RandomSearch end when they have used as many CPU seconds as it did. What is traced already is left out, so the
same command goes on where it was stopped.

CPU seconds and not the clock's, so that runs on a machine with other work compare better; the load still
makes the same step up to 1.8 times as dear, so prefer an idle one. KerasTuner needs `tensorboard`, which
TensorFlow 2.21 does not bring; without it each of its trials fails in silence, and so this script stops at
once. Its BayesianOptimization needs `scikit-learn`.
"""

import argparse
import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path

SYSTEMS = ("random", "studyhall", "blind", "optuna", "bayesian", "hyperband")
VARIANTS = ("independent", "heads")
# By KerasTuner; the latter by BayesianOptimization.
NEEDED = {
    "tensorboard": "tensorboard",
    "scikit-learn": "sklearn",
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def main() -> int:
    """Run the searches that are not traced yet, or one of them, or print the tables."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=Path, required=True, help="folder of the traces, made if missing")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--trials", type=int, default=16, help="of RandomSearch")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the one to run on")
    parser.add_argument("--report", action="store_true", help="run nothing, print the tables")
    parser.add_argument("--one", nargs=3, metavar=("SYSTEM", "VARIANT", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.report:
        if not any(options.traces.glob("*.jsonl")):
            parser.error(f"there are no traces in {options.traces}; make some without --report")
        from tests.benchmarks.efficiency.report import report

        sys.stdout.write(report(options.traces))
        return 0
    options.traces.mkdir(parents=True, exist_ok=True)
    if options.one:
        from tests.benchmarks.efficiency.one import run_one

        os.sched_setaffinity(0, {options.core})
        system, variant, seed = options.one
        run_one(system, variant, int(seed), options.traces, options.trials)
        return 0
    missing = [name for name, package in NEEDED.items() if importlib.util.find_spec(package) is None]
    if "bayesian" not in options.systems:
        missing = [name for name in missing if name != "scikit-learn"]
    if missing:
        sys.stderr.write(f"KerasTuner needs more here: pip install {' '.join(missing)}\n")
        return 2
    return _run_all(options)


def _run_all(options: argparse.Namespace) -> int:
    """Run every combination in a process of its own; RandomSearch first, whose time is the others' budget."""
    systems = sorted(options.systems, key=SYSTEMS.index)
    failed = 0
    for seed, variant, system in itertools.product(options.seeds, options.variants, systems):
        if (options.traces / f"{variant}-{seed}-{system}.jsonl").exists():
            continue
        command = [sys.executable, __file__, "--traces", str(options.traces), "--core", str(options.core)]
        command += ["--trials", str(options.trials), "--one", system, variant, str(seed)]
        with open(options.traces / f"{variant}-{seed}-{system}.log", "w") as log:
            ended = subprocess.run(
                command, env=os.environ | ONE_THREAD, stdout=log, stderr=subprocess.STDOUT, check=False
            )
        sys.stderr.write(f"{variant} {seed} {system}: {'done' if ended.returncode == 0 else 'FAILED'}\n")
        failed += ended.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
