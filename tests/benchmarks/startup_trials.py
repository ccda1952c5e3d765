"""How many random trials TPE should begin with: python tests/benchmarks/startup_trials.py --problems 60.

Searches of random problems that have the shape of a search for a network: two choices, two whole numbers and
a learning rate on a log scale, whose best value depends on one of the choices; a little noise. No training,
and nothing of the other benchmarks. Prints, for each sampler, the mean distance to the best that any of them
found, after 12, 16, 20 and 32 trials.
"""

import argparse
import math
import sys
from collections.abc import Callable

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

TRIALS = 32
SHOWN = (12, 16, 20, 32)


def problem(seed: int) -> Callable[[optuna.Trial], float]:
    """Return a random objective; smaller is better."""
    random = np.random.default_rng(seed)
    choice = random.normal(size=4)
    # Usually wider is better.
    width = np.cumsum(np.abs(random.normal(size=4))) * random.choice([-0.6, -0.6, -0.6, 0.6])
    depth, norm = random.normal(size=3) * 0.6, random.normal(size=2) * 0.5
    peak, slope = random.uniform(0.3, 1.0), random.uniform(2.0, 12.0)
    both, shift = random.normal(size=(4, 4)) * 0.4, random.normal(size=4) * 0.12

    def objective(trial: optuna.Trial) -> float:
        a = trial.suggest_categorical("activation", [0, 1, 2, 3])
        w = trial.suggest_categorical("filters", [0, 1, 2, 3])
        d, n = trial.suggest_int("pools", 0, 2), trial.suggest_int("normalisation", 0, 1)
        rate = (math.log10(trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True)) + 4.0) / 2.5
        value = choice[a] + width[w] + both[a, w] + depth[d] + norm[n] + slope * (rate - peak - shift[a]) ** 2
        return float(value + random.normal() * 0.05)

    return objective


def curve(seed: int, sampler: BaseSampler) -> list[float]:
    """Return the best value after each trial."""
    study = optuna.create_study(sampler=sampler)
    study.optimize(problem(seed), n_trials=TRIALS)
    return list(np.minimum.accumulate([trial.values[0] for trial in study.trials]))


def main() -> int:
    """Search all problems with all samplers, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=60)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers: dict[str, Callable[[int], BaseSampler]] = {"random": lambda seed: RandomSampler(seed=seed)}
    for start in (3, 5, 8, 10):
        samplers[f"tpe, {start} at random"] = lambda seed, start=start: TPESampler(  # type: ignore[misc]
            seed=seed, multivariate=True, group=True, n_startup_trials=start
        )
    curves = {
        name: np.array([curve(seed, make(seed)) for seed in range(options.problems)])
        for name, make in samplers.items()
    }
    best = np.min([each[:, -1] for each in curves.values()], axis=0)
    for name, each in curves.items():
        regret = (each[:, [count - 1 for count in SHOWN]] - best[:, None]).mean(axis=0)
        sys.stdout.write(
            f"{name:20} {'  '.join(f'{count}: {value:.2f}' for count, value in zip(SHOWN, regret, strict=True))}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
