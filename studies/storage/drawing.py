"""Drawing a parameter's value so that no other trial has, or had, the same configuration."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GridSampler, PartialFixedSampler, QMCSampler, RandomSampler
from optuna.trial import Trial

from studyhall.studies.errors import ConfigurationsInUseError, RepeatedConfigurationError
from studyhall.studies.space.configurations import Key, key_of
from studyhall.studies.space.space import Reach
from studyhall.studies.storage.leased_storage import LeasedStorage, TakenError
from studyhall.studies.values import Value

PATIENCE_SECONDS = 2.0
"""How long a draw waits for other running trials that have all the values.

Most of them are about to draw their next parameter.
"""

_PAUSE_SECONDS = 0.05
_AGAIN = 8  # times that a sampler is asked for another value, before chance is
_DRAWS = 1000  # until a parameter is taken to have no other value
# They say what the values are, so that none is drawn beside them.
_FIXED = (GridSampler, PartialFixedSampler)
_PLANNED = (*_FIXED, QMCSampler)  # two of them may propose the same point of their plan

_T = TypeVar("_T")


def draw(trial: Trial, name: str, distribution: BaseDistribution, ask: Callable[[], _T]) -> _T:
    """Have a trial draw a parameter until the value leads to something new.

    A configuration is complete when the model asks for nothing more, which nobody knows before. So no two
    trials ever have the same parameters while it is not known that the model goes on from there: what is
    complete is then nobody else's.

    Args:
        trial: The running trial.
        name: The parameter's name, which the trial does not have yet.
        distribution: What the value is drawn from.
        ask: Has Optuna suggest the parameter and store it.

    Raises:
        RepeatedConfigurationError: Whatever is drawn, the trial would repeat another one.
        ConfigurationsInUseError: Likewise, as far as running trials have drawn their own.
    """
    storage = trial.storage
    if not isinstance(storage, LeasedStorage):
        raise TypeError(f"trial {trial.number} was not claimed")
    by_plan = isinstance(trial.study.sampler, _PLANNED)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        taken = storage.taken(name)
        for value in _proposals(trial, name, distribution, taken):
            if value is not None:
                # As for a trial of Optuna's own queue, whose values are in the same place.
                trial._fixed_params = {**trial._fixed_params, name: value}
            try:
                with storage.keeping_apart(taken, by_plan=by_plan):
                    return ask()
            except TakenError as error:
                taken[error.key] = error.reach
        pending = Reach.PENDING in taken.values()
        if not pending or time.monotonic() > deadline:
            break
        time.sleep(random.uniform(1, 2) * _PAUSE_SECONDS)
        storage.others.look_again()
    tried = f"every value of '{name}' that is left leads to a configuration that"
    if pending:
        raise ConfigurationsInUseError(f"{tried} another trial tries at the moment, or has tried")
    raise RepeatedConfigurationError(f"{tried} another trial has tried")


def _proposals(
    trial: Trial, name: str, distribution: BaseDistribution, taken: Mapping[Key, Reach]
) -> Iterator[Value | None]:
    """Yield values, first None for what Optuna would take; `taken` grows meanwhile."""
    yield None
    sampler: BaseSampler = trial.study.sampler
    frozen = trial.storage.get_trial(trial._trial_id)
    space = trial.storage.others.space  # type: ignore[attr-defined]  # the caller has checked
    listed = space.is_finite(name, distribution)
    if listed and all(key_of(distribution, each) in taken for each in space.values(name, distribution)):
        return
    if not distribution.single() and not isinstance(sampler, _FIXED):
        for _ in range(_AGAIN):
            value = sampler.sample_independent(trial.study, frozen, name, distribution)
            if key_of(distribution, value) not in taken:
                yield value
    if listed:
        rest = list(space.values(name, distribution))
        random.Random(trial.number).shuffle(rest)
        yield from (each for each in rest if key_of(distribution, each) not in taken)
    elif not isinstance(sampler, _FIXED):
        others = RandomSampler(seed=trial.number)
        for _ in range(_DRAWS):
            yield others.sample_independent(trial.study, frozen, name, distribution)
