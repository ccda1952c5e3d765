"""What becomes of the result of a trial that the pruner gave up on, on SQLite and on PostgreSQL."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from optuna.trial import TrialState

from studyhall.studies.database.attributes import PRUNED_AFTER
from studyhall.studies.definition import Definition
from studyhall.studies.queue.pruning import EndedByPruner
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study.study import Study
from tests.support.studies import claim

BEST = {"minimize": 0.1, "maximize": 0.9}
WORSE = {"minimize": 0.4, "maximize": 0.6}


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False)
    yield storage
    storage.close()


def created(storage: StudyStorage, direction: str = "minimize", **sections: Any) -> Study:
    objective = {"metric": "val_loss", "direction": direction}
    sections = {"name": "bss", "search": {"trials": 4}, "objective": objective} | sections
    return Study.create_or_join(storage, Definition.model_validate(sections))


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_best_result_of_the_study_is_complete_though_the_pruner_ended_its_trial(
    storage: StudyStorage, direction: str
) -> None:
    study = created(storage, direction=direction)
    best, worse = BEST[direction], WORSE[direction]
    study.results.complete(claim(study), worse)
    done = study.results.prune(claim(study, (worse, best, 0.5)), best)
    assert done == EndedByPruner(complete=True, values=(best,), epoch=3)
    trial = study.optuna().trials[1]
    assert (trial.state, trial.values) == (TrialState.COMPLETE, [best])
    assert trial.user_attrs[PRUNED_AFTER] == 3
    assert study.optuna().best_trial.number == 1
    found = study.best()
    assert found is not None
    assert (found.number, found.value) == (1, best)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("other", ["better", "equal"])
def test_result_that_is_not_the_best_is_kept_on_a_pruned_trial(
    storage: StudyStorage, direction: str, other: str
) -> None:
    study = created(storage, direction=direction)
    value = WORSE[direction]
    study.results.complete(claim(study), BEST[direction] if other == "better" else value)
    done = study.results.prune(claim(study, (value, 0.5)), value)
    assert done == EndedByPruner(complete=False, values=(value,), epoch=2)
    trial = study.optuna().trials[1]
    assert (trial.state, trial.values) == (TrialState.PRUNED, [value])
    assert trial.user_attrs[PRUNED_AFTER] == 2


@pytest.mark.parametrize(("direction", "best"), [("minimize", 0.2), ("maximize", 0.8)])
def test_result_that_nobody_names_is_the_best_that_was_reported(
    storage: StudyStorage, direction: str, best: float
) -> None:
    study = created(storage, direction=direction)
    assert study.results.prune(claim(study, (0.2, 0.8, math.nan, 0.5))).values == (best,)
    assert study.optuna().best_value == best


def test_trial_that_never_reported_is_pruned_without_a_result(storage: StudyStorage) -> None:
    study = created(storage)
    assert study.results.prune(claim(study)) == EndedByPruner(complete=False, values=(), epoch=None)
    assert study.results.prune(claim(study, (math.nan,))) == EndedByPruner(complete=False, values=(), epoch=1)
    for trial in study.optuna().trials[:2]:
        assert (trial.state, trial.values) == (TrialState.PRUNED, None)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_result_that_is_not_finite_is_refused_and_the_trial_goes_on(
    storage: StudyStorage, value: float
) -> None:
    study = created(storage)
    trial = claim(study, (0.5,))
    with pytest.raises(ValueError, match="fail it instead"):
        study.results.prune(trial, value)
    with pytest.raises(ValueError, match="2 values are not a result for 1 objective"):
        study.results.prune(trial, 0.5, 0.5)
    assert study.counts().running == 1


def test_with_several_objectives_a_result_is_complete_unless_another_is_as_good_in_all(
    storage: StudyStorage,
) -> None:
    study = created(storage, objective=[{"metric": "val_loss"}, {"metric": "val_accuracy"}])
    study.results.complete(claim(study), 0.5, 0.5)
    assert study.results.prune(claim(study), 0.6, 0.6).complete
    assert not study.results.prune(claim(study), 0.6, 0.5).complete
    assert [trial.number for trial in study.optuna().best_trials] == [0, 1]
