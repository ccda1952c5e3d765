"""A search space that has an end: no configuration is drawn twice, and what is left of the queue is
withdrawn, on both databases.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import NopPruner
from optuna.trial import Trial, TrialState

from studyhall.studies.algorithms.factory import sampler_for_trial
from studyhall.studies.definition import Definition, SamplerSpec
from studyhall.studies.errors import ConfigurationsInUseError, RepeatedConfigurationError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import start_of, suggest_value
from studyhall.studies.study.study import Study

KIND = CategoricalDistribution(("dense", "conv"))
DEPTH = IntDistribution(1, 3)
RATE = FloatDistribution(0.1, 0.5, step=0.2)
GRID = {"kind": ["dense", "conv"], "depth": [1, 2, 3], "rate": [0.1, 0.3, 0.5]}
SAMPLERS: dict[str, dict[str, Any]] = {
    "random": {},
    "tpe": {"multivariate": True, "group": True, "n_startup_trials": 2},
    "tpe, plain": {},
    "bruteforce": {},
    "grid": {"search_space": GRID},
    "qmc": {},
    "nsgaii": {"population_size": 3},
}


@pytest.fixture
def storage_url(empty_storage_url: str) -> str:
    return empty_storage_url


@pytest.fixture
def storage(storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(storage_url, create=False)
    yield storage
    storage.close()


def created(storage: StudyStorage, trials: int, **search: Any) -> Study:
    definition = {"name": "bss", "search": {"trials": trials, **search}}
    return Study.create_or_join(storage, Definition.model_validate(definition))


def claimed(study: Study, sampler: str = "random", **options: Any) -> Trial | None:
    spec = SamplerSpec(name=sampler.partition(",")[0], options=options)
    return study.trials.claim(lambda number: sampler_for_trial(spec, 7, number), NopPruner())


def conditional(trial: Trial) -> dict[str, Any]:
    """Six configurations: dense with three depths, conv with three rates."""
    kind = suggest_value(trial, "kind", KIND)
    if kind == "dense":
        return {"kind": kind, "depth": suggest_value(trial, "depth", DEPTH)}
    return {"kind": kind, "rate": suggest_value(trial, "rate", RATE)}


def tried(study: Study) -> Counter[tuple[tuple[str, Any], ...]]:
    return Counter(tuple(each.params.items()) for each in study.optuna().trials if each.params)


def work(study: Study, draw: Callable[[Trial], Any], sampler: str, **options: Any) -> None:
    while (trial := claimed(study, sampler, **options)) is not None:
        try:
            draw(trial)
        except RepeatedConfigurationError:
            study.trials.draw_again(trial)
            continue
        study.results.complete(trial, float(trial.number))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_sampler_tries_a_configuration_twice_and_the_rest_is_withdrawn(
    storage_url: str, storage: StudyStorage, sampler: str, capfd: pytest.CaptureFixture[str]
) -> None:
    study = created(storage, 17)
    work(study, conditional, sampler, **SAMPLERS[sampler])
    assert len(tried(study)) == 6
    assert set(tried(study).values()) == {1}
    assert study.counts() == Counts(complete=6)
    assert study.space.exhausted() == Exhausted(configurations=6, withdrawn=11)
    with Catalogue(storage_url) as catalogue:
        entry = catalogue.summary("bss")
    assert (entry.counts.total, entry.exhausted) == (6, Exhausted(configurations=6, withdrawn=11))
    assert [each.number for each in optuna.load_study(study_name="bss", storage=storage).trials] == [
        *range(6)
    ]
    assert "Sampler`" not in capfd.readouterr().err  # what Optuna would say of a grid that begins again


def test_a_repetition_is_trained_where_the_study_asks_for_it(storage: StudyStorage) -> None:
    study = created(storage, 17, repeat=True)
    work(study, conditional, "grid", search_space=GRID)
    assert study.counts() == Counts(complete=17)
    assert study.space.exhausted() is None


def test_a_space_with_a_continuous_parameter_has_no_end(storage: StudyStorage) -> None:
    study = created(storage, 12)

    def draw(trial: Trial) -> None:
        suggest_value(trial, "one", IntDistribution(1, 1))
        suggest_value(trial, "rate", FloatDistribution(0, 1))

    work(study, draw, "tpe", **SAMPLERS["tpe"])
    assert study.counts() == Counts(complete=12)


def test_a_grid_over_a_continuous_parameter_ends_with_its_points(storage: StudyStorage) -> None:
    grid = {"rate": [0.1, 0.25, 0.7]}
    definition = {
        "name": "bss",
        "search": {"trials": 5},
        "sampler": {"name": "grid", "options": {"search_space": grid}},
    }
    study = Study.create_or_join(storage, Definition.model_validate(definition))
    work(
        study, lambda trial: suggest_value(trial, "rate", FloatDistribution(0, 1)), "grid", search_space=grid
    )
    assert study.counts() == Counts(complete=3)
    assert sorted(each.params["rate"] for each in study.optuna().trials) == grid["rate"]
    assert study.space.exhausted() == Exhausted(3, 2)


def test_steps_that_differ_by_a_rounding_are_one_value(storage: StudyStorage) -> None:
    study = created(storage, 4)
    tenths = FloatDistribution(0.0, 0.3, step=0.1)
    trial = claimed(study)
    assert trial is not None
    suggest_value(trial, "rate", tenths, 0.1 * 2 + 1e-17)
    study.results.complete(trial, 1.0)
    work(study, lambda trial: suggest_value(trial, "rate", tenths), "random")
    assert sorted(round(each.params["rate"], 6) for each in study.optuna().trials) == [0.0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - {FailureKind.LOST, FailureKind.WITHDRAWN}))
def test_a_failure_of_the_configurations_own_is_not_tried_again(
    storage: StudyStorage, kind: FailureKind
) -> None:
    study = created(storage, 8)
    trial = claimed(study)
    assert trial is not None
    conditional(trial)
    study.results.fail(trial, kind, "")
    work(study, conditional, "random")
    assert study.counts() == Counts(complete=5, failed=1)
    assert set(tried(study).values()) == {1}


def test_a_configuration_whose_workers_vanished_is_tried_again(storage: StudyStorage) -> None:
    study = created(storage, 8)
    trial = claimed(study)
    assert trial is not None
    lost = conditional(trial)
    study.results.fail(trial, FailureKind.LOST, "")
    work(study, conditional, "random")
    assert study.counts() == Counts(complete=6, failed=1)
    assert tried(study)[tuple(lost.items())] == 2


def test_what_runs_elsewhere_is_waited_for_and_what_comes_back_is_continued(storage: StudyStorage) -> None:
    study = created(storage, 5)
    pair = CategoricalDistribution(("a", "b"))
    first, second = claimed(study), claimed(study)
    assert first is not None
    assert second is not None
    values = {suggest_value(first, "pair", pair), suggest_value(second, "pair", pair)}
    assert values == {"a", "b"}
    assert claimed(study) is None
    assert study.trials.others_try_the_rest
    study.trials.hand_back(second)
    again = claimed(study)
    assert again is not None
    assert again.number == second.number == 1
    study.results.complete(first, 1.0)
    assert claimed(study) is None  # trial 1 may turn out to ask for more
    assert study.trials.others_try_the_rest
    assert suggest_value(again, "more", pair) in values
    study.results.complete(again, 1.0)
    work(
        study,
        lambda trial: [suggest_value(trial, "pair", pair), suggest_value(trial, "more", pair)],
        "random",
    )
    assert study.space.exhausted() == Exhausted(configurations=3, withdrawn=2)


def test_a_value_that_others_are_about_to_leave_is_waited_for(storage: StudyStorage) -> None:
    study = created(storage, 3)
    one = IntDistribution(1, 1)
    first, second = claimed(study), claimed(study)
    assert first is not None
    assert second is not None
    suggest_value(first, "one", one)
    with pytest.raises(ConfigurationsInUseError, match="every value of 'one' that is left"):
        suggest_value(second, "one", one)
    suggest_value(first, "rate", FloatDistribution(0, 1))
    assert suggest_value(second, "one", one) == 1


def test_what_is_asked_for_with_values_is_neither_refused_nor_withdrawn(storage: StudyStorage) -> None:
    study = created(storage, 9)
    work(study, conditional, "random")
    assert study.enqueue({"kind": "dense"}) == 6
    study.extend(2)
    trial = claimed(study)
    assert trial is not None
    assert start_of(trial) == {"values": {"kind": "dense"}}
    assert suggest_value(trial, "kind", KIND, "dense") == "dense"
    with pytest.raises(RepeatedConfigurationError):
        suggest_value(trial, "depth", DEPTH)
    suggest_value(trial, "depth", DEPTH, 2)  # asked for, too
    study.results.complete(trial, 0.0)
    assert claimed(study) is None
    assert study.counts() == Counts(complete=7)


def test_a_trial_that_draws_again_has_nothing_of_its_first_draw(storage: StudyStorage) -> None:
    study = created(storage, 2)
    trial = claimed(study)
    assert trial is not None
    suggest_value(trial, "kind", KIND)
    study.results.record(trial, {"hyperparameters": {"kind": "dense"}})
    study.trials.draw_again(trial, keeping_start=True)
    again = claimed(study)
    assert again is not None
    assert (again.number, again.params, again.user_attrs) == (0, {}, {})
    assert start_of(again) == {"defaults": True}
    study.trials.draw_again(again)
    once_more = claimed(study)
    assert once_more is not None
    assert start_of(once_more) == {}


def test_a_withdrawn_trial_before_others_keeps_its_number_and_counts_nowhere(storage: StudyStorage) -> None:
    study = created(storage, 4)
    first, second = claimed(study), claimed(study)
    assert first is not None
    assert second is not None
    suggest_value(second, "one", IntDistribution(1, 1))
    study.trials.draw_again(first)
    study.results.complete(second, 1.0)
    assert claimed(study) is None
    assert study.space.exhausted() == Exhausted(configurations=1, withdrawn=3)
    assert study.counts() == Counts(complete=1)
    trials = study.optuna().trials
    assert [each.state for each in trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert trials[0].user_attrs["failure"] == FailureKind.WITHDRAWN
    assert study.extend(1) == [2]
    rejoined = created(storage, 4)
    assert rejoined.counts() == Counts(waiting=3, complete=1)


def test_more_trials_and_a_wider_space_go_on_where_it_ended(storage: StudyStorage) -> None:
    study = created(storage, 5)
    work(study, lambda trial: suggest_value(trial, "depth", DEPTH), "random")
    assert study.space.exhausted() == Exhausted(3, 2)
    study.extend(4)
    assert study.space.exhausted() is None
    study.space.asks({"depth": IntDistribution(1, 5)})
    work(study, lambda trial: suggest_value(trial, "depth", IntDistribution(1, 5)), "tpe")
    assert sorted(each.params["depth"] for each in study.optuna().trials) == [1, 2, 3, 4, 5]
    assert study.space.exhausted() == Exhausted(5, 2)


def test_a_model_without_hyperparameters_is_trained_once(storage: StudyStorage) -> None:
    study = created(storage, 5)
    first, second = claimed(study), claimed(study)
    assert first is not None
    assert second is not None
    assert study.trials.begin_without_parameters(study.trials.lease_of(first)) is None
    assert study.trials.begin_without_parameters(study.trials.lease_of(second)) == 0
    study.trials.draw_again(second)
    assert claimed(study) is None
    assert study.trials.others_try_the_rest
    study.results.complete(first, 1.0)
    assert claimed(study) is None
    assert study.space.exhausted() == Exhausted(configurations=1, withdrawn=4)


def test_fewer_trials_in_the_file_withdraw_what_waits_beyond_them(storage: StudyStorage) -> None:
    study = created(storage, 8)
    running = claimed(study)
    study.enqueue({"kind": "dense"})
    assert study.counts().total == 9
    lowered = Study.create_or_join(storage, _definition(5))
    assert (lowered.withdrawn, lowered.counts()) == (4, Counts(waiting=4, running=1))
    assert start_of(_next(lowered)) == {"values": {"kind": "dense"}}
    again = Study.create_or_join(storage, _definition(5))
    assert again.withdrawn == 0
    least = Study.create_or_join(storage, _definition(1))
    assert (least.withdrawn, least.counts()) == (3, Counts(running=2))
    assert running is not None


def test_a_file_that_asks_for_as_many_as_before_leaves_an_extension_alone(storage: StudyStorage) -> None:
    study = created(storage, 3)
    study.extend(4)
    joined = Study.create_or_join(storage, _definition(3))
    assert (joined.withdrawn, joined.counts().waiting) == (0, 7)


def _definition(trials: int) -> Definition:
    return Definition.model_validate({"name": "bss", "search": {"trials": trials}})


def _next(study: Study) -> Trial:
    trial = claimed(study)
    assert trial is not None
    return trial
