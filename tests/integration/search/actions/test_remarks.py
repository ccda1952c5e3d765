"""What people are told who add trials that no worker will take."""

from typing import Any

import pytest
from optuna.distributions import IntDistribution
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler

from studyhall.search.actions.remarks import remark
from studyhall.studies.definition import Definition
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study


def after_one_trial(storage: StudyStorage, **search: Any) -> Study:
    """A study with one complete trial, of a space of two, and more that wait."""
    study = Study.create_or_join(
        storage, Definition.model_validate({"name": "bss", "search": {"trials": 3, **search}})
    )
    complete(study)
    return study


def complete(study: Study) -> None:
    trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
    assert trial is not None
    suggest_value(trial, "depth", IntDistribution(1, 2))
    trial.report(0.5, 1)
    study.results.complete(trial, 0.5)


@pytest.mark.parametrize(
    ("search", "why"),
    [
        ({"target": 0.6}, "the target 0.6 is reached with 0.5"),
        ({"epochs": 1}, "the budget of 1 epoch is used up"),
        ({"hours": 1e-9}, "1e-09 hour is over"),
    ],
)
def test_it_is_said_that_a_budget_is_used_up(storage: StudyStorage, search: dict[str, Any], why: str) -> None:
    said = remark(after_one_trial(storage, **search), "bss")
    assert said is not None
    assert said.startswith(f"No trial will be taken, because {why}: change that in [search]")
    assert "\n" not in said


def test_it_is_said_that_a_study_is_stopped_and_nothing_of_one_that_goes_on(storage: StudyStorage) -> None:
    study = after_one_trial(storage)
    assert remark(study, "my.toml") is None
    study.request_stop()
    assert remark(study, "my.toml") == "The study is stopped; continue it with: studyhall search my.toml"


def test_it_is_said_that_all_was_tried(storage: StudyStorage) -> None:
    study = after_one_trial(storage)
    complete(study)
    study.extend(1)
    said = remark(study, "bss")
    assert said is not None
    assert "will be withdrawn: set repeat = true in [search]" in said
    assert study.counts().waiting == 2  # that is for the search to do
