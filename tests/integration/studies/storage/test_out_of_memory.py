"""What becomes of a configuration that ran out of memory: its sampler learns of it, and nobody tries it
again.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler, GridSampler, RandomSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from studyhall.studies.algorithms.factory import sampler_for_trial
from studyhall.studies.definition import Definition, SamplerSpec
from studyhall.studies.errors import RepeatedConfigurationError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.storage.suggesting import start_of, suggest_value
from studyhall.studies.study.study import Study
from tests.support.studies import claim

UNITS = CategoricalDistribution((64, 256, 1024))
DEPTH = IntDistribution(1, 3)
SPACE: Mapping[str, BaseDistribution] = {"units": UNITS, "depth": DEPTH}
TPE = SamplerSpec(name="tpe", options={"n_startup_trials": 3, "multivariate": True, "group": True})

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "random": lambda number: RandomSampler(seed=number),
    "tpe": lambda number: sampler_for_trial(TPE, 7, number),
}


def created(storage: StudyStorage, trials: int, **sections: Any) -> Study:
    # Where nothing is repeated, what ran out of memory is not either; see test_space_contract.py.
    sections = {"name": "bss", "search": {"trials": trials, "repeat": True}} | sections
    return Study.create_or_join(storage, Definition.model_validate(sections))


def drawn(trial: Trial, **asked: Any) -> dict[str, Any]:
    return {name: suggest_value(trial, name, each, asked.get(name)) for name, each in SPACE.items()}


def run_out(study: Study, **asked: Any) -> None:
    trial = claim(study)
    drawn(trial, **asked)
    study.results.fail(trial, FailureKind.OOM, "RESOURCE_EXHAUSTED")


def seen(study: Study) -> list[FrozenTrial]:
    """The trials as the sampler of the next one sees them."""
    return claim(study).study.get_trials(deepcopy=False)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_configuration_runs_out_of_memory_twice(storage: StudyStorage, sampler: str) -> None:
    study = created(storage, 25)
    failed: Counter[tuple[int, int]] = Counter()
    refused = 0
    for _ in range(25):
        trial = claim(study, sampler=SAMPLERS[sampler])
        try:
            values = drawn(trial)
        except RepeatedConfigurationError:
            study.trials.draw_again(trial)
            refused += 1
            continue
        if values["units"] * values["depth"] > 256:
            failed[values["units"], values["depth"]] += 1
            study.results.fail(trial, FailureKind.OOM, "RESOURCE_EXHAUSTED")
        else:
            study.results.complete(trial, 1 / values["units"])
    assert set(failed.values()) == {1}
    assert refused == 0  # no width was drawn of which every depth had failed
    assert study.counts().finished == 25


def test_a_value_that_would_repeat_is_replaced_by_another(storage: StudyStorage) -> None:
    study = created(storage, 30)
    run_out(study, units=64, depth=1)
    run_out(study, units=64, depth=3)
    for _ in range(10):
        trial = claim(study)
        assert suggest_value(trial, "units", UNITS, 64) == 64
        assert suggest_value(trial, "depth", DEPTH) == 2


def test_a_configuration_is_refused_in_words_when_nothing_else_is_left(storage: StudyStorage) -> None:
    study = created(storage, 5)
    for depth in (1, 2, 3):
        run_out(study, units=64, depth=depth)
    trial = claim(study)
    suggest_value(trial, "units", UNITS, 64)
    with pytest.raises(
        RepeatedConfigurationError, match=r"every value of 'depth' that is left leads to a configuration that"
    ):
        suggest_value(trial, "depth", DEPTH)
    assert trial.params == {"units": 64}  # and so it is not even recorded


def test_a_repetition_that_a_person_asks_for_runs(storage: StudyStorage) -> None:
    study = created(storage, 3)
    run_out(study, units=64, depth=1)
    assert drawn(claim(study), units=64, depth=1) == {"units": 64, "depth": 1}


def test_a_trial_that_continues_keeps_values_that_ran_out_of_memory_elsewhere(storage: StudyStorage) -> None:
    study = created(storage, 3)
    first, second = claim(study), claim(study)
    for trial in (first, second):
        drawn(trial, units=64, depth=1)
    study.results.fail(first, FailureKind.OOM, "")
    study.trials.hand_back(second)
    assert drawn(claim(study)) == {"units": 64, "depth": 1}


def test_other_failures_may_be_tried_again(storage: StudyStorage) -> None:
    study = created(storage, 20)
    trial = claim(study)
    drawn(trial, units=64, depth=1)
    study.results.fail(trial, FailureKind.CRASHED, "")
    depths = []
    for _ in range(15):
        again = claim(study)
        suggest_value(again, "units", UNITS, 64)
        depths.append(suggest_value(again, "depth", DEPTH))
    assert 1 in depths


@pytest.mark.parametrize(("direction", "worst"), [("minimize", 5.0), ("maximize", 2.0)])
def test_samplers_see_it_as_bad_as_the_worst_trial(
    storage: StudyStorage, direction: str, worst: float
) -> None:
    study = created(storage, 6, objective={"metric": "val_loss", "direction": direction})
    run_out(study)
    assert seen(study)[0].state is TrialState.PRUNED  # there is no worst yet
    for value in (2.0, 5.0):
        trial = claim(study)
        drawn(trial)
        study.results.complete(trial, value)
    shown = seen(study)[0]
    assert (shown.state, shown.values) == (TrialState.COMPLETE, [worst])
    stored = study.optuna().trials[0]
    assert (stored.state, stored.user_attrs["failure"]) == (TrialState.FAIL, "oom")


def test_one_without_all_parameters_does_not_hide_them_from_samplers(storage: StudyStorage) -> None:
    study = created(storage, 3)
    trial = claim(study)
    drawn(trial)
    study.results.complete(trial, 1.0)
    trial = claim(study)
    suggest_value(trial, "units", UNITS)
    study.results.fail(trial, FailureKind.OOM, "")
    assert seen(study)[1].state is TrialState.FAIL


def test_a_grid_is_tried_point_by_point_from_the_first_trial_on(storage: StudyStorage) -> None:
    grid = {"units": [64, 256, 1024], "depth": [1, 2]}
    study = created(storage, 6, sampler={"name": "grid", "options": {"search_space": grid}})
    tried = set()
    for _ in range(6):
        trial = claim(study, sampler=lambda number: GridSampler(grid, seed=7))
        assert start_of(trial) == {}
        values = drawn(trial)
        tried.add((values["units"], values["depth"]))
        study.results.fail(trial, FailureKind.OOM, "")
    assert len(tried) == 6


def test_a_grid_all_of_which_ran_out_of_memory_is_not_begun_again(storage: StudyStorage) -> None:
    grid = {"units": [64], "depth": [1, 2]}
    study = created(storage, 3, sampler={"name": "grid", "options": {"search_space": grid}})
    for _ in range(2):
        trial = claim(study, sampler=lambda number: GridSampler(grid, seed=7))
        drawn(trial)
        study.results.fail(trial, FailureKind.OOM, "")
    assert study.trials.claim(lambda number: GridSampler(grid, seed=7), NopPruner()) is None
    assert study.space.exhausted() == Exhausted(configurations=2, withdrawn=1)


def test_a_continuous_parameter_is_only_refused_what_was_tried_exactly(storage: StudyStorage) -> None:
    rate = FloatDistribution(1e-4, 1e-1, log=True)
    study = created(storage, 4)
    trial = claim(study, sampler=lambda number: RandomSampler(seed=1))
    tried = suggest_value(trial, "rate", rate)
    study.results.fail(trial, FailureKind.OOM, "")
    again = claim(study, sampler=lambda number: RandomSampler(seed=1))
    assert suggest_value(again, "rate", rate) != tried  # the same seed proposes the same first
