"""What pruners make of recorded learning curves: python tests/benchmarks/pruner_replay.py --traces DIR.

Reads the traces of RandomSearch that search_efficiency.py wrote, and runs its trials again in 100 random
orders, on paper: a pruner that gives a trial up saves the CPU seconds of its other epochs. Prints for each
pruner how long it took until the best error of 16 trials of another order, in whole trials' seconds. With
--first-step, an epoch that begins a trial costs what the next does, and so many seconds more.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner, PercentilePruner, SuccessiveHalvingPruner

Curve = list[tuple[float, float]]  # an epoch's error, and the CPU seconds that it took
ORDERS = 100
RANDOM_TRIALS = 16
PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "none": NopPruner,
    "median after 2 epochs, from the 6th trial": lambda: MedianPruner(5, 2),
    "median after 2 epochs, from the 3rd trial": lambda: MedianPruner(2, 2),
    "median after 1 epoch, from the 4th trial": lambda: MedianPruner(3),
    "best quarter after 1 epoch, from the 4th": lambda: PercentilePruner(25.0, 3),
    "halving by 2 from the 1st epoch": lambda: SuccessiveHalvingPruner(1, 2),
    "halving by 2 from the 2nd epoch": lambda: SuccessiveHalvingPruner(2, 2),
    "halving by 3 from the 1st epoch": lambda: SuccessiveHalvingPruner(1, 3),
}


def curves(folder: Path) -> list[Curve]:
    """Return the learning curves of all trials of RandomSearch."""
    found: list[Curve] = []
    for path in sorted(folder.glob("independent-*-random.jsonl")):
        trials: dict[int, Curve] = {}
        before = 0.0
        for line in map(json.loads, path.read_text().splitlines()):
            if "value" in line:
                trials.setdefault(line["trial"], []).append((line["value"], line["cpu"] - before))
                before = line["cpu"]
        found += trials.values()
    return found


def seconds_to(target: float, order: list[Curve], pruner: BasePruner) -> float:
    """Return the seconds after which a search in this order has reached an error; infinity where the pruner
    lost it.
    """
    study = optuna.create_study(pruner=pruner)
    spent = 0.0
    for curve in order:
        trial = study.ask()
        for epoch, (value, seconds) in enumerate(curve, 1):
            spent += seconds
            if value <= target:
                return spent
            trial.report(value, epoch)
            if epoch < len(curve) and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, min(value for value, _ in curve))
    return float("inf")


def main() -> int:
    """Replay all pruners, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--first-step", type=float, help="CPU seconds, in place of the recorded ones")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    recorded, draw = curves(options.traces), random.Random(0)
    if options.first_step is not None:
        recorded = [[(each[0][0], each[1][1] + options.first_step), *each[1:]] for each in recorded]
    orders = [draw.sample(recorded, len(recorded)) for _ in range(ORDERS)]
    targets = [min(value for curve in order[:RANDOM_TRIALS] for value, _ in curve) for order in orders]
    a_trial = mean(sum(seconds for _, seconds in curve) for curve in recorded)
    sys.stdout.write(f"{len(recorded)} curves, {a_trial:.1f} CPU s a trial\n")
    for name, make in PRUNERS.items():
        took = [
            seconds_to(target, order, make()) / a_trial
            for order, target in zip(orders[1:] + orders[:1], targets, strict=True)
        ]
        lost = sum(each == float("inf") for each in took)
        sys.stdout.write(
            f"{name:42} {median(took):5.1f} trials' seconds, median; lost in {lost} of {ORDERS}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
