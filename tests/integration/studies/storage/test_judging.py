"""What pruners and samplers see: every trial by the best value that it had reached, though the curve is
stored as it was.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from optuna import Study as OptunaStudy
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    WilcoxonPruner,
)
from optuna.samplers import TPESampler
from optuna.samplers._tpe.sampler import _get_pruned_trial_score
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from studyhall.studies.definition import Definition
from studyhall.studies.definition.search_sections import FromStudySpec
from studyhall.studies.storage import best_so_far
from studyhall.studies.storage.best_so_far import result_of, so_far
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.earlier_studies import best_configurations
from studyhall.studies.study.study import Study
from tests.support.studies import claim

pytestmark = pytest.mark.filterwarnings("ignore:.*experimental.*")

MAXIMIZE, MINIMIZE = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
EARLY_PEAK = (0.5, 0.9, 0.3)
DIRECTIONS = pytest.mark.parametrize("direction", ["minimize", "maximize"])


def turned(curve: Sequence[float], direction: str) -> list[float]:
    """A curve that is to be maximized, or the same to be minimized."""
    return [value if direction == "maximize" else 1.0 - value for value in curve]


def created(storage: StudyStorage, direction: str = "maximize", name: str = "bss") -> Study:
    objective = {"metric": "val_accuracy", "direction": direction}
    definition = {"name": name, "search": {"trials": 12}, "objective": objective}
    return Study.create_or_join(storage, Definition.model_validate(definition))


def judged(study: Study, pruner: BasePruner, curve: Sequence[float]) -> list[bool]:
    """What a pruner says of a trial after each epoch."""
    trial = claim(study, pruner=pruner)
    answers = []
    for epoch, value in enumerate(curve, 1):
        trial.report(value, epoch)
        answers.append(trial.should_prune())
    study.results.prune(trial)
    return answers


@pytest.mark.parametrize(
    ("curve", "maximized", "minimized"),
    [
        ({}, {}, {}),
        ({1: 0.5, 2: 0.9, 3: 0.3}, {1: 0.5, 2: 0.9, 3: 0.9}, {1: 0.5, 2: 0.5, 3: 0.3}),
        ({3: 0.3, 1: 0.5}, {1: 0.5, 3: 0.5}, {1: 0.5, 3: 0.3}),
    ],
)
def test_curve_has_the_best_value_up_to_each_step(
    curve: Mapping[int, float], maximized: Mapping[int, float], minimized: Mapping[int, float]
) -> None:
    assert so_far(curve, MAXIMIZE) == maximized
    assert so_far(curve, MINIMIZE) == minimized


def test_step_without_a_number_stays_so_and_hides_nothing() -> None:
    first, second, third = so_far({1: math.nan, 2: 0.5, 3: math.nan}, MAXIMIZE).values()
    assert (math.isnan(first), second, math.isnan(third)) == (True, 0.5, True)


@DIRECTIONS
@pytest.mark.parametrize(
    "pruner",
    [
        SuccessiveHalvingPruner(min_resource=3, reduction_factor=2),
        HyperbandPruner(min_resource=3, max_resource=3, reduction_factor=2),
    ],
    ids=["halving", "hyperband"],
)
def test_early_peak_passes_the_rung_that_comes_after_it(
    storage: StudyStorage, pruner: BasePruner, direction: str
) -> None:
    study = created(storage, direction)
    for value in (0.4, 0.42, 0.43):
        study.results.complete(claim(study), turned([value], direction)[0])
        judged(study, pruner, turned((0.1, 0.2, value), direction))
    assert judged(study, pruner, turned(EARLY_PEAK, direction)) == [False] * 3
    assert judged(study, pruner, turned((0.1, 0.2, 0.3), direction)) == [False, False, True]


@DIRECTIONS
def test_trials_are_compared_with_what_others_had_reached_by_then(
    storage: StudyStorage, direction: str
) -> None:
    study = created(storage, direction)
    study.results.complete(claim(study, curve=turned(EARLY_PEAK, direction)), turned([0.9], direction)[0])
    median = MedianPruner(n_startup_trials=1)
    # 0.5 is better than the 0.3 that the other one had at epoch 3, and worse than the 0.9 of its epoch 2.
    assert judged(study, median, turned((0.5, 0.9, 0.5), direction)) == [False] * 3
    assert judged(study, median, turned((0.5, 0.5, 0.5), direction)) == [False, True, True]


@DIRECTIONS
def test_pairs_are_compared_by_their_best_values(storage: StudyStorage, direction: str) -> None:
    study = created(storage, direction)
    falling = turned((0.9, *([0.1] * 7)), direction)
    study.results.complete(claim(study, curve=falling), falling[0])
    assert judged(study, WilcoxonPruner(p_threshold=0.1), turned([0.5] * 8, direction))[-1]


@DIRECTIONS
def test_threshold_is_there_for_the_value_of_the_epoch(storage: StudyStorage, direction: str) -> None:
    study = created(storage, direction)
    limit = turned([0.4], direction)[0]
    pruner = ThresholdPruner(lower=limit) if direction == "maximize" else ThresholdPruner(upper=limit)
    assert judged(study, pruner, turned(EARLY_PEAK, direction)) == [False, False, True]


@DIRECTIONS
def test_patience_looks_whether_the_curve_improves_and_what_it_wraps_at_the_best(
    storage: StudyStorage, direction: str
) -> None:
    study = created(storage, direction)
    study.results.complete(
        claim(study, curve=turned([0.4, 0.6, 0.8, 0.8], direction)), turned([0.8], direction)[0]
    )
    alone = PatientPruner(None, patience=1)
    assert judged(study, alone, turned((0.5, 0.9, 0.3, 0.3), direction)) == [False, False, False, True]
    wrapped = PatientPruner(MedianPruner(n_startup_trials=1), patience=1)
    assert judged(study, wrapped, turned((0.5, 0.9, 0.3, 0.3), direction)) == [False] * 4
    assert judged(study, wrapped, turned((0.5, 0.7, 0.3, 0.3), direction)) == [False, False, False, True]
    rung = PatientPruner(SuccessiveHalvingPruner(min_resource=4, reduction_factor=2), patience=0)
    judged(study, rung, turned((0.4, 0.5, 0.45, 0.4), direction))
    assert judged(study, rung, turned((0.5, 0.9, 0.3, 0.3), direction)) == [False] * 4


def test_pruner_stays_what_the_study_has(storage: StudyStorage) -> None:
    pruner = PatientPruner(MedianPruner(), patience=1)
    before = copy.deepcopy(vars(pruner))
    trial = claim(created(storage), EARLY_PEAK, pruner=pruner)
    trial.should_prune()
    assert trial.study.pruner is pruner
    assert vars(pruner).keys() == before.keys()
    assert isinstance(pruner._wrapped_pruner, MedianPruner)


def test_curve_is_stored_as_it_was(storage: StudyStorage) -> None:
    study = created(storage)
    judged(study, MedianPruner(), EARLY_PEAK)
    assert list(study.optuna().trials[0].intermediate_values.values()) == list(EARLY_PEAK)


@DIRECTIONS
def test_sampler_ranks_a_pruned_trial_by_the_best_that_it_had_reached(
    storage: StudyStorage, direction: str
) -> None:
    study = created(storage, direction)
    study.results.complete(claim(study), turned([0.95], direction)[0])
    study.results.prune(claim(study, curve=turned(EARLY_PEAK, direction)))
    study.results.prune(claim(study, curve=turned((0.4, 0.4, 0.4), direction)))
    seen = study.trials.claim(lambda number: TPESampler(seed=number), NopPruner())
    assert seen is not None
    pruned = seen.study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
    assert [each.number for each in pruned] == [1, 2]
    first, second = (_get_pruned_trial_score(each, seen.study) for each in pruned)
    assert first[0] == second[0] == -3
    assert first[1] < second[1]
    assert abs(first[1]) == pytest.approx(turned([0.9], direction)[0])


def test_what_is_seen_may_be_changed_by_who_asked_for_copies(storage: StudyStorage) -> None:
    study = created(storage)
    study.results.complete(claim(study, curve=EARLY_PEAK), 0.9)
    theirs = claim(study).study
    theirs.get_trials(deepcopy=True)[0].intermediate_values.clear()
    assert theirs.get_trials(deepcopy=False)[0].intermediate_values == {1: 0.5, 2: 0.9, 3: 0.9}


def test_trial_that_has_ended_is_looked_at_once_and_not_at_every_report(
    storage: StudyStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = created(storage)
    for _ in range(4):
        study.results.complete(claim(study, curve=EARLY_PEAK), 0.9)
    looks: list[int] = []
    original = best_so_far.so_far

    def counted(curve: Mapping[int, float], direction: StudyDirection) -> dict[int, float]:
        looks.append(len(curve))
        return original(curve, direction)

    monkeypatch.setattr(best_so_far, "so_far", counted)
    trial = claim(study, pruner=MedianPruner(n_startup_trials=1))
    for epoch in range(1, 11):
        trial.report(0.95, epoch)
        trial.should_prune()
    # Each epoch the trial itself, and the four others once.
    assert looks.count(3) - 1 == 4


@DIRECTIONS
def test_database_of_before_knows_the_last_value_of_a_pruned_trial_and_behaves(
    storage: StudyStorage, direction: str
) -> None:
    study = created(storage, direction)
    study.results.complete(claim(study), turned([0.6], direction)[0])
    curves: list[Sequence[float]] = [EARLY_PEAK, (0.1, 0.5, 0.2), ()]
    for number, curve in enumerate(curves, 1):
        trial = claim(study, curve=turned(curve, direction))
        study.results.record(trial, {"hyperparameters": {"number": number}})
        lease = study.trials.lease_of(trial)
        values = turned(curve[-1:], direction)
        storage.end(lease, TrialState.PRUNED, values, {})  # as Optuna's `tell` did
    trials = study.optuna().trials[:4]
    assert [each.state for each in trials] == [TrialState.COMPLETE] + [TrialState.PRUNED] * 3
    best = study.best()
    assert best is not None
    assert (best.number, best.pruned_after) == (0, None)
    optuna_direction = study.optuna().direction
    results = [result_of(each, optuna_direction) for each in trials]
    assert results == [*turned([0.6, 0.9, 0.5], direction), None]
    (ranked,) = best_configurations(storage, [FromStudySpec(study="bss")])
    assert [each.number for each in ranked] == [1, 2]
    assert judged(study, MedianPruner(n_startup_trials=1), turned(EARLY_PEAK, direction)) == [False] * 3


def test_whoever_holds_no_trial_sees_the_curves_as_they_were(storage: StudyStorage) -> None:
    study = created(storage)
    study.results.complete(claim(study, curve=EARLY_PEAK), 0.9)
    seen: OptunaStudy = study.optuna()
    (trial,) = seen.get_trials(states=(TrialState.COMPLETE,))
    assert trial.intermediate_values == {1: 0.5, 2: 0.9, 3: 0.3}


def frozen(state: TrialState, values: list[float] | None, curve: Sequence[float]) -> FrozenTrial:
    arguments: dict[str, Any] = {
        "datetime_start": None,
        "datetime_complete": None,
        "trial_id": 0,
        "number": 0,
    }
    return FrozenTrial(
        state=state,
        value=None,
        values=values,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values=dict(enumerate(curve, 1)),
        **arguments,
    )


def test_result_is_of_trials_that_came_to_something() -> None:
    assert result_of(frozen(TrialState.COMPLETE, [0.2], EARLY_PEAK), MAXIMIZE) == 0.2
    assert result_of(frozen(TrialState.PRUNED, [0.3], EARLY_PEAK), MAXIMIZE) == 0.9
    assert result_of(frozen(TrialState.PRUNED, None, (math.nan, math.inf)), MAXIMIZE) is None
    assert result_of(frozen(TrialState.FAIL, None, EARLY_PEAK), MAXIMIZE) is None
