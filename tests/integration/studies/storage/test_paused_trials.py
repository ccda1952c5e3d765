"""Trials that pause, as samplers see them and as the rule sees that tries no configuration twice."""

from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import Trial, TrialState

from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.studies import claim, define, random_sampler

ASHA = {"name": "asha", "min_epochs": 2, "reduction_factor": 2}


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    """A study of six trials that pause after two epochs and four."""
    sections: dict[str, Any] = {"scheduler": ASHA, "training": {"epochs": 8}}
    return Study.create_or_join(storage, define(6, **sections))


def pause(study: Study, trial: Trial, epochs: int, value: float) -> None:
    """Have a trial pause at a rung."""
    assert not study.rungs.reach(study.trials.lease_of(trial), epochs, value)
    study.trials.hand_back(trial)


def test_samplers_see_a_trial_that_has_reached_a_rung_as_pruned_there(study: Study) -> None:
    pause(study, claim(study, [0.5, 0.6]), 2, 0.5)
    going_on = claim(study, [0.4, 0.3])
    assert study.rungs.reach(study.trials.lease_of(going_on), 2, 0.3)
    beginning = claim(study, [0.1])
    asking = claim(study)
    paused, running, begun, own, *_ = asking.study.trials
    assert (paused.state, paused.values) == (TrialState.PRUNED, [0.5])
    assert paused.intermediate_values == {1: 0.5, 2: 0.5}
    assert (running.state, running.values) == (TrialState.PRUNED, [0.3])
    assert (begun.state, own.state) == (TrialState.RUNNING, TrialState.RUNNING)
    plain = [each.state.name for each in study.storage.get_all_trials(study.id)]
    assert plain == ["WAITING", "RUNNING", "RUNNING", "RUNNING", "WAITING", "WAITING"]
    going_on.report(0.2, 3)
    study.trials.hand_back(beginning)
    study.trials.hand_back(asking)
    assert claim(study).study.trials[1].values == [0.2]


def test_tpe_learns_from_paused_trials(study: Study) -> None:
    taken = [claim(study) for _ in range(4)]
    for trial, value in zip(taken, (0.4, 0.8, 0.9), strict=False):
        trial.suggest_float("x", 0, 1)
        for epoch in (1, 2):
            trial.report(value, epoch)
        pause(study, trial, 2, value)
    asking = taken[-1]
    asking.storage.others.look_again()  # type: ignore[attr-defined]  # it was claimed before they paused
    frozen, x = asking._cached_frozen_trial, FloatDistribution(0, 1)
    taught, untaught = (
        TPESampler(seed=0, n_startup_trials=trials).sample_independent(asking.study, frozen, "x", x)
        for trials in (2, 10)
    )
    assert taught != untaught


def test_a_paused_trials_configuration_is_tried_and_a_finite_space_ends(study: Study) -> None:
    choices = CategoricalDistribution(["a", "b"])
    for value in (0.5, 0.6):
        trial = claim(study)
        suggest_value(trial, "x", choices)
        for epoch in (1, 2):
            trial.report(value, epoch)
        pause(study, trial, 2, value)
    best = study.trials.claim(random_sampler, study.optuna().pruner)
    assert best is not None
    assert best.number == 0
    assert study.counts() == Counts(waiting=1, running=1, paused=1)
    exhausted = study.space.exhausted()
    assert exhausted is not None
    assert exhausted.withdrawn == 4
