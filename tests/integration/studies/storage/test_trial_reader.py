"""Trials are read in another way than Optuna's, and are the same."""

import math
from collections.abc import Iterator

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from studyhall.studies.definition import Definition
from studyhall.studies.storage import trial_reader
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study.study import Study


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False)
    yield storage
    storage.close()


def in_words(trial: FrozenTrial) -> str:
    """All that there is of a trial: as a text, because NaN equals nothing; attributes have no order."""
    attributes = sorted(trial.user_attrs.items()), sorted(trial.system_attrs.items())
    return repr({**vars(trial), "_user_attrs": attributes[0], "_system_attrs": attributes[1]})


@pytest.mark.parametrize("few", [0, 100], ids=["many", "few"])
def test_trials_that_are_read_together_are_those_that_optuna_reads(
    storage: StudyStorage, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    definition = {"name": "bss", "search": {"trials": 9}, "enqueue": [{"rate": 0.5}]}
    study = Study.create_or_join(storage, Definition.model_validate(definition))
    for ending in ("complete", "prune", "fail", None):
        trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
        assert trial is not None
        trial.suggest_float("rate", 1e-3, 1.0, log=True)
        trial.suggest_categorical("activation", ["relu", None, 3, True])
        trial.suggest_int("filters", 4, 64, step=4)
        for step, value in enumerate((0.5, math.inf, -math.inf, math.nan), 2):
            trial.report(value, step)
        trial.set_user_attr("note", {"é": [1, 2.5, None]})
        match ending:
            case "complete":
                study.results.complete(trial, 0.25)
            case "prune":
                study.results.prune(trial)
            case "fail":
                study.results.fail(trial, "nan", "it was not a number")
    study.optuna().enqueue_trial({"rate": 0.1})

    study_id = study.id
    theirs = RDBStorage._get_trials(storage, study_id, None, set(), -1)
    assert len(theirs) == 10
    monkeypatch.setattr(trial_reader, "_FEW", few)
    storage._waiting = {}
    ours = storage._get_trials(study_id, None, set(), -1)
    for one, other in zip(ours, theirs, strict=True):
        assert in_words(one) == in_words(other)
    assert {type(each) for trial in ours for each in trial.distributions.values()} == {
        FloatDistribution,
        CategoricalDistribution,
        IntDistribution,
    }
    some = {theirs[2]._trial_id}
    storage._waiting = {}
    assert [trial.number for trial in storage._get_trials(study_id, None, some, theirs[6]._trial_id)] == [
        2,
        7,
        8,
        9,
    ]
