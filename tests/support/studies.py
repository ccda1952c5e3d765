"""Studies of tests: their definitions, and trials that are claimed without a worker."""

from collections.abc import Callable, Sequence
from typing import Any

from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import Trial

from studyhall.studies.definition import Definition
from studyhall.studies.study.study import Study


def define(trials: int = 4, name: str = "bss", **sections: Any) -> Definition:
    """Return the definition of a study of so many trials."""
    return Definition.model_validate({"name": name, "search": {"trials": trials}} | sections)


def random_sampler(number: int) -> RandomSampler:
    """Return the sampler of a trial that draws at random, each trial otherwise."""
    return RandomSampler(seed=number)


def claim(
    study: Study,
    curve: Sequence[float] = (),
    *,
    sampler: Callable[[int], BaseSampler] = random_sampler,
    pruner: BasePruner | None = None,
    worker: str = "",
) -> Trial:
    """Take the study's next trial, which must be there, and have it report an epoch for each value of the
    curve.
    """
    trial = study.trials.claim(sampler, pruner or NopPruner(), worker=worker)
    assert trial is not None
    for epoch, value in enumerate(curve, 1):
        trial.report(value, epoch)
    return trial
