"""What a study promises about its trials, on SQLite and on PostgreSQL."""

import math
import pickle
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from studyhall.studies.database.attributes import UNREPORTED
from studyhall.studies.errors import (
    DefinitionError,
    LeaseLostError,
    StorageError,
    StudyConflictError,
    StudyNotFoundError,
)
from studyhall.studies.queue import queue
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import start_of, suggest_value
from studyhall.studies.study.study import Study
from tests.support.studies import claim, define, random_sampler

UNIT = FloatDistribution(0.0, 1.0)


@pytest.fixture
def storage_url(empty_storage_url: str) -> str:
    return empty_storage_url


@pytest.fixture
def storage(storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(storage_url, create=False)
    yield storage
    storage.close()


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    return Study.create_or_join(storage, define())


def test_new_study_waits_for_its_trials_with_the_defaults_first_and_then_what_is_enqueued(
    storage: StudyStorage,
) -> None:
    enqueued = [{"filters": 8, "activation": "relu"}, {"filters": 16}]
    study = Study.create_or_join(storage, define(trials=5, enqueue=enqueued))
    assert study.counts() == Counts(waiting=5)
    starts = [start_of(claim(study)) for _ in range(5)]
    assert starts == [{"defaults": True}, {"values": enqueued[0]}, {"values": enqueued[1]}, {}, {}]


def test_new_study_is_one_that_optuna_knows(storage: StudyStorage) -> None:
    definition = define(trials=3, objective={"metric": "val_accuracy", "direction": "maximize"})
    Study.create_or_join(storage, definition)
    known = optuna.load_study(study_name="bss", storage=storage)
    assert known.direction is optuna.study.StudyDirection.MAXIMIZE
    assert known.metric_names == ["val_accuracy"]
    assert [(trial.number, trial.state) for trial in known.trials] == [
        (number, TrialState.WAITING) for number in range(3)
    ]


def test_optuna_numbers_the_trials_that_it_adds_after_ours(study: Study) -> None:
    study.optuna().enqueue_trial({"x": 0.5})
    assert study.extend(2) == [5, 6]
    assert [trial.number for trial in study.optuna().trials] == [0, 1, 2, 3, 4, 5, 6]


def test_claims_take_the_lowest_number_and_end_with_the_queue(study: Study) -> None:
    claims = [study.trials.claim(random_sampler, NopPruner()) for _ in range(6)]
    assert [trial and trial.number for trial in claims] == [0, 1, 2, 3, None, None]
    assert study.counts() == Counts(running=4)


def test_claimed_trial_runs_since_now(study: Study) -> None:
    number = claim(study).number
    started = study.optuna().trials[number].datetime_start  # local time, as Optuna gives it
    assert started is not None
    assert abs(started.astimezone(UTC) - datetime.now(UTC)) < timedelta(minutes=1)


def test_trial_that_is_handed_back_is_claimed_next_with_all_that_it_has(study: Study) -> None:
    trial = claim(study)
    x = suggest_value(trial, "x", UNIT)
    trial.report(0.5, step=0)
    trial.set_user_attr("epochs", 1)
    study.trials.hand_back(trial)
    again = claim(study)
    assert again.number == trial.number == 0
    assert start_of(again) == {"defaults": True}
    assert again.user_attrs == {"epochs": 1}
    assert suggest_value(again, "x", UNIT, value=0.25) == x
    assert study.optuna().trials[0].intermediate_values == {0: 0.5}


def test_trial_that_is_handed_back_afresh_is_as_it_was_queued_unless_it_has_a_checkpoint(
    study: Study,
) -> None:
    def use(trial: Trial) -> None:
        suggest_value(trial, "x", UNIT)
        trial.report(0.5, step=1)
        trial.set_user_attr("epochs", 1)
        trial.set_user_attr(UNREPORTED, True)

    trial = claim(study)
    use(trial)
    study.trials.hand_back(trial, afresh=True)
    again = claim(study)
    assert again.number == trial.number == 0
    assert start_of(again) == {"defaults": True}
    assert (again.params, again.user_attrs) == ({}, {UNREPORTED: True})
    assert study.optuna().trials[0].intermediate_values == {}
    # Nothing knows it as a number.
    assert suggest_value(again, "x", CategoricalDistribution(("a", "b"))) in (
        "a",
        "b",
    )
    again.set_user_attr("epochs", 1)
    study.checkpoints.record(study.trials.lease_of(again), 1, "checkpoint", "sha256")
    study.trials.hand_back(again, afresh=True)
    assert claim(study).user_attrs == {"epochs": 1, UNREPORTED: True}


def test_a_held_value_stays_however_the_range_was_changed_and_without_a_warning(study: Study) -> None:
    trial = claim(study)
    x = suggest_value(trial, "x", UNIT)
    assert suggest_value(trial, "x", FloatDistribution(5, 6)) == x
    with pytest.raises(ValueError, match="compat|distribution"):
        suggest_value(trial, "x", IntDistribution(0, 3))


def test_trial_that_does_not_run_is_not_handed_back(study: Study) -> None:
    trial = claim(study)
    study.results.complete(trial, 1.0)
    with pytest.raises(LeaseLostError, match="lease on trial 0 is over"):
        study.trials.hand_back(trial)
    assert study.counts() == Counts(waiting=3, complete=1)


def test_trial_whose_sampler_fails_goes_back_to_the_queue(study: Study) -> None:
    def broken(number: int) -> BaseSampler:
        raise RuntimeError("no sampler today")

    with pytest.raises(RuntimeError, match="no sampler today"):
        study.trials.claim(broken, NopPruner())
    assert study.counts() == Counts(waiting=4)


def test_each_trial_has_its_own_sampler_and_pruner(storage: StudyStorage) -> None:
    study = Study.create_or_join(storage, define(search={"trials": 4, "repeat": True}))
    numbers = []

    def asked(number: int) -> BaseSampler:
        numbers.append(number)
        return RandomSampler(seed=7)

    first, second = study.trials.claim(asked, MedianPruner()), study.trials.claim(asked, MedianPruner())
    assert numbers == [0, 1]
    assert first is not None
    assert second is not None
    assert suggest_value(first, "x", UNIT) == suggest_value(second, "x", UNIT)
    assert isinstance(first.study.pruner, MedianPruner)


def test_finished_trials_are_complete_pruned_or_failed_with_their_results(study: Study) -> None:
    complete, pruned, failed = claim(study), claim(study), claim(study)
    study.results.complete(complete, 0.25)
    pruned.report(0.75, step=3)
    study.results.prune(pruned)
    study.results.fail(failed, "nan", "val_loss was nan in epoch 2")
    assert study.counts() == Counts(waiting=1, complete=1, pruned=1, failed=1)
    trials = study.optuna().trials
    assert (trials[0].value, trials[1].value, trials[2].value) == (0.25, 0.75, None)
    assert trials[2].user_attrs == {"failure": "nan", "reason": "val_loss was nan in epoch 2"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_result_that_is_no_number_is_refused_and_the_trial_goes_on(study: Study, value: float) -> None:
    trial = claim(study)
    with pytest.raises(ValueError, match="fail it instead"):
        study.results.complete(trial, value)
    assert study.counts().running == 1


def test_given_value_is_stored_and_read_back_as_the_distribution_says(study: Study) -> None:
    trial = claim(study)
    given: list[tuple[str, optuna.distributions.BaseDistribution, Any, Any]] = [
        ("float", FloatDistribution(0, 2), 1, 1.0),
        ("step", FloatDistribution(0.0, 1.0, step=0.1), 0.3, 0.3),
        ("log", FloatDistribution(1e-4, 1e-1, log=True), 1e-3, 1e-3),
        ("int", IntDistribution(8, 64, step=8), 16.0, 16),
        ("choice", CategoricalDistribution((0, 1)), True, 1),
        ("name", CategoricalDistribution(("relu", "tanh")), "tanh", "tanh"),
        ("single", IntDistribution(3, 3), 3, 3),
    ]
    for name, distribution, value, expected in given:
        suggested = suggest_value(trial, name, distribution, value)
        assert suggested == expected
        assert type(suggested) is type(expected)
    assert study.optuna().trials[0].params == {name: expected for name, _, _, expected in given}


@pytest.mark.parametrize(
    ("distribution", "value"),
    [
        (FloatDistribution(0, 1), 1.5),
        (FloatDistribution(0.0, 1.0, step=0.5), 0.3),
        (FloatDistribution(0, 1), math.nan),
        (FloatDistribution(0, 1), "much"),
        (IntDistribution(1, 9, step=2), 4),
        (CategoricalDistribution(("relu", "tanh")), "gelu"),
    ],
)
def test_given_value_outside_its_distribution_is_refused(study: Study, distribution: Any, value: Any) -> None:
    trial = claim(study)
    with pytest.raises(ValueError, match=r"for 'x' is not in \w+Distribution"):
        suggest_value(trial, "x", distribution, value)
    assert study.optuna().trials[0].params == {}


def test_value_of_one_trial_is_not_given_to_the_next_parameter_or_trial(study: Study) -> None:
    trial = claim(study)
    assert suggest_value(trial, "x", UNIT, 0.5) == 0.5
    assert suggest_value(trial, "x", UNIT, 0.25) == 0.5
    assert suggest_value(trial, "y", UNIT) != 0.5
    assert suggest_value(claim(study), "x", UNIT) != 0.5


def test_extension_is_more_trials_at_the_end_of_the_queue(study: Study) -> None:
    claim(study)
    assert study.extend(3) == [4, 5, 6]
    assert study.counts() == Counts(waiting=6, running=1)
    with pytest.raises(ValueError, match="one trial or more"):
        study.extend(0)


def test_enqueued_values_are_tried_next_and_cost_one_more_trial(study: Study) -> None:
    study.trials.hand_back(claim(study))
    assert [study.enqueue({"filters": 8}), study.enqueue({"filters": 16})] == [1, 2]
    assert [start_of(claim(study)) for _ in range(6)] == [
        {"defaults": True},
        {"values": {"filters": 8}},
        {"values": {"filters": 16}},
        {},
        {},
        {},
    ]
    assert study.enqueue({"filters": 32}) == 6
    assert start_of(claim(study)) == {"values": {"filters": 32}}


def test_trial_that_was_handed_back_keeps_its_parameters_whatever_is_enqueued(storage: StudyStorage) -> None:
    study = Study.create_or_join(storage, define(trials=2))
    study.results.complete(claim(study), 1.0)
    trial = claim(study)
    x = suggest_value(trial, "x", UNIT)
    study.trials.hand_back(trial)
    assert study.enqueue({"x": 0.5}) == 2
    again = claim(study)
    assert (again.number, start_of(again), again.params) == (1, {}, {"x": x})


def test_study_is_joined_with_the_same_definition_and_keeps_its_trials(storage: StudyStorage) -> None:
    first = Study.create_or_join(storage, define())
    study_trial = claim(first)
    joined = Study.create_or_join(storage, define(description="the same, but for this"))
    assert (joined.id, joined.signature) == (first.id, first.signature)
    assert joined.counts() == Counts(waiting=3, running=1)
    assert claim(joined).number == study_trial.number + 1


def test_definition_that_asks_for_more_trials_extends_the_study_and_for_fewer_withdraws_what_waits(
    storage: StudyStorage,
) -> None:
    Study.create_or_join(storage, define(trials=3))
    assert Study.create_or_join(storage, define(trials=5)).counts().total == 5
    assert Study.create_or_join(storage, define(trials=2)).counts().total == 2


def test_definition_with_another_budget_changes_that_of_the_study(storage: StudyStorage) -> None:
    Study.create_or_join(storage, define(trials=3))
    Study.create_or_join(storage, define(search={"trials": 3, "hours": 2.0, "epochs": 70}))
    search = Study.open(storage, "bss").definition.search
    assert (search.trials, search.hours, search.epochs) == (3, 2.0, 70)


def test_study_of_another_definition_is_not_joined_and_the_error_says_what_differs(
    storage: StudyStorage,
) -> None:
    Study.create_or_join(storage, define(training={"epochs": 5}))
    with pytest.raises(
        StudyConflictError, match=r"'bss' in .*training\.epochs.*5.*7.*another name"
    ) as caught:
        Study.create_or_join(storage, define(trials=9, training={"epochs": 7}))
    assert "\n" not in str(caught.value)
    assert Study.open(storage, "bss").counts().total == 4


def test_study_that_plain_optuna_made_is_not_joined(storage: StudyStorage) -> None:
    optuna.create_study(study_name="bss", storage=storage)
    with pytest.raises(StudyConflictError, match=r"'bss' .*was made by plain Optuna.*studyhall status bss"):
        Study.create_or_join(storage, define())
    with pytest.raises(StudyConflictError, match="made by plain Optuna"):
        Study.open(storage, "bss")


def test_definition_that_enqueues_more_than_its_trials_creates_no_study(storage: StudyStorage) -> None:
    with pytest.raises(DefinitionError, match=r"set search\.trials to 3 or more"):
        Study.create_or_join(storage, define(trials=2, enqueue=[{"a": 1}, {"a": 2}]))
    with pytest.raises(StudyNotFoundError):
        Study.open(storage, "bss")


def test_study_is_opened_by_name_with_its_definition(storage: StudyStorage) -> None:
    made = Study.create_or_join(storage, define(training={"epochs": 3}))
    opened = Study.open(storage, "bss")
    assert (opened.id, opened.name, opened.signature) == (made.id, "bss", made.signature)
    assert opened.definition.training.epochs == 3


def test_study_that_is_not_there_is_missed_with_the_names_of_those_that_are(storage: StudyStorage) -> None:
    with pytest.raises(StudyNotFoundError, match=r"No study 'bss' in .*\. It holds: nothing\. Create it"):
        Study.open(storage, "bss")
    for number in range(12):
        Study.create_or_join(storage, define(trials=1, name=f"separation-{number}"))
    Study.create_or_join(storage, define(trials=1, name="bss2"))
    with pytest.raises(
        StudyNotFoundError, match=r"; did you mean 'bss2'\? It holds: bss2, .* and 5 more\. .*search"
    ):
        Study.open(storage, "bss")


def test_sampler_that_has_seen_its_whole_grid_does_not_stop_the_queue(storage: StudyStorage) -> None:
    study = Study.create_or_join(storage, define(search={"trials": 4, "repeat": True}))
    grid = {"x": [0.0, 1.0]}
    seen = []
    while (trial := study.trials.claim(lambda number: GridSampler(grid, seed=0), NopPruner())) is not None:
        seen.append(suggest_value(trial, "x", UNIT))
        study.results.complete(trial, 1.0)
    assert sorted(set(seen)) == [0.0, 1.0]
    assert study.counts() == Counts(complete=4)


def test_sampler_learns_from_the_trials_of_other_processes(storage_url: str, study: Study) -> None:
    other = Study.open(open_storage(storage_url, create=False), "bss")
    others = claim(other)
    suggest_value(others, "x", UNIT)
    other.results.complete(others, 0.5)
    other.storage.close()
    seen = []

    class Watching(TPESampler):
        def sample_independent(self, study: Any, trial: Any, *arguments: Any) -> Any:
            seen.extend(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
            return super().sample_independent(study, trial, *arguments)

    trial = study.trials.claim(lambda number: Watching(seed=number), NopPruner())
    assert trial is not None
    suggest_value(trial, "x", UNIT)
    assert [each.value for each in seen] == [0.5]


def test_what_the_cache_says_of_trials_is_what_the_database_says(storage_url: str, study: Study) -> None:
    plain = open_storage(storage_url, create=False)
    other = Study.open(plain, "bss")
    cached = study.optuna()

    def agree() -> None:
        # The base class reads them all, each time.
        fresh = super(StudyStorage, plain)._get_trials(study.id, None, set(), -1)
        assert cached.get_trials() == sorted(fresh, key=lambda trial: trial.number)

    agree()
    first, second = claim(study), claim(study)
    suggest_value(first, "x", UNIT)
    agree()
    study.results.complete(second, 1.0)
    first.report(0.5, 0)
    study.trials.hand_back(first)
    agree()
    study.extend(2)
    agree()
    again = claim(other)
    again.report(0.25, 1)
    other.trials.hand_back(again)
    agree()
    for _ in range(5):
        study.results.complete(claim(study), 2.0)
        agree()
    plain.close()


def test_pickled_storage_opens_the_same_database(storage: StudyStorage, study: Study) -> None:
    copy: StudyStorage = pickle.loads(pickle.dumps(storage))
    assert Study.open(copy, "bss").counts() == Counts(waiting=4)
    copy.close()


def test_claim_waits_for_what_others_are_about_to_give_back(postgres_url: str) -> None:
    storage, other = open_storage(postgres_url, create=True), open_storage(postgres_url, create=False)
    study = Study.create_or_join(storage, define(trials=1))
    looked = threading.Event()
    event.listen(storage.engine, "commit", lambda connection: looked.set())
    claims: list[Trial | None] = []
    worker = threading.Thread(target=lambda: claims.append(study.trials.claim(random_sampler, NopPruner())))
    with other.engine.connect() as taking:
        assert queue.claim(taking, study.id, "token", "", 60.0) is not None
        worker.start()
        assert looked.wait(timeout=60)
        taking.rollback()
    worker.join(timeout=60)
    assert [trial and trial.number for trial in claims] == [0]
    storage.close()
    other.close()


def test_failure_of_the_database_is_one_line_wherever_it_happens(storage: StudyStorage, study: Study) -> None:
    def refuse(*details: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("the disk\nis gone"))

    trial = claim(study)
    event.listen(storage.engine, "before_cursor_execute", refuse)
    actions: list[Callable[[], object]] = [
        lambda: study.results.complete(trial, 1.0),
        lambda: study.results.fail(trial, "nan", "it was"),
        lambda: study.trials.hand_back(trial),
        lambda: study.trials.claim(random_sampler, NopPruner()),
        lambda: study.extend(1),
        study.counts,
        lambda: Study.open(storage, "bss"),
    ]
    for action in actions:
        with pytest.raises(StorageError, match="cannot be used: the disk is gone") as caught:
            action()
        assert "\n" not in str(caught.value)
    event.remove(storage.engine, "before_cursor_execute", refuse)
    study.results.complete(trial, 1.0)
