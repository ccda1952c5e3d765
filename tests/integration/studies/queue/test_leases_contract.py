"""What a lease promises, on SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, Float, delete, event, inspect, literal_column, select, update

from studyhall.studies.database import schema, studyhall_tables
from studyhall.studies.database.dialects import now, seconds_of
from studyhall.studies.database.optuna_tables import trials
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.definition import Definition
from studyhall.studies.errors import LeaseLostError
from studyhall.studies.queue.lease import Checkpoint, Lease, Released
from studyhall.studies.queue.reclaiming import expired, reclaim
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.studies import claim, random_sampler

UNIT = FloatDistribution(0.0, 1.0)


def expire(study: Study) -> None:
    """Have all leases end a long time ago."""
    long_ago = update(leases).values(renewed_at=0.0, ttl_seconds=0.0)
    study.storage.transact(lambda connection: connection.execute(long_ago))


def frozen(study: Study, number: int) -> FrozenTrial:
    return study.optuna().trials[number]


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False)
    yield storage
    storage.close()


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    definition = Definition.model_validate({"name": "bss", "search": {"trials": 3}})
    return Study.create_or_join(storage, definition)


@pytest.fixture
def other(empty_storage_url: str, study: Study) -> Iterator[Study]:
    """The same study in another worker."""
    storage = open_storage(empty_storage_url, create=False)
    yield Study.open(storage, study.name)
    storage.close()


def test_lease_that_is_not_renewed_passes_to_another_worker_with_all_that_the_trial_has(
    study: Study, other: Study
) -> None:
    trial = claim(study, worker="first")
    x = suggest_value(trial, "x", UNIT)
    trial.report(0.5, 0)
    trial.set_user_attr("epochs", 1)
    lease = study.trials.lease_of(trial)
    assert (lease.interruptions, lease.checkpoint) == (0, None)
    study.checkpoints.record(lease, 1, "artifact", "0" * 64)
    expire(study)
    again = claim(other, worker="second")
    assert other.trials.lease_of(again) == Lease(
        trial_id=lease.trial_id,
        study_id=lease.study_id,
        number=0,
        token=other.trials.lease_of(again).token,
        worker="second",
        interruptions=1,
        checkpoint=Checkpoint(1, "artifact", "0" * 64),
    )
    assert other.trials.lease_of(again).token != lease.token
    assert suggest_value(again, "x", UNIT, 0.25) == x
    assert (frozen(other, 0).intermediate_values, again.user_attrs) == ({0: 0.5}, {"epochs": 1})


def test_lease_that_is_renewed_stays(study: Study, other: Study) -> None:
    lease = study.trials.lease_of(claim(study))
    expire(study)
    ample = update(leases).values(ttl_seconds=60.0)
    study.storage.transact(lambda connection: connection.execute(ample))
    assert study.trials.renew(lease) is False
    assert other.trials.reclaim_expired() == []
    assert claim(other).number == 1


@pytest.mark.parametrize("taken_by", ["nobody", "another", "another, who ended it", "the dashboard"])
def test_whatever_the_former_holder_writes_is_refused_and_changes_nothing(
    study: Study, other: Study, taken_by: str
) -> None:
    trial = claim(study)
    lease = study.trials.lease_of(trial)
    suggest_value(trial, "x", UNIT)
    trial.report(0.5, 0)
    expire(study)
    assert other.trials.reclaim_expired() == [Released(0, "waiting", 1)]
    if taken_by.startswith("another"):
        others = claim(other)
        others.report(0.75, 1)
        if "ended" in taken_by:
            other.results.complete(others, 0.75)
    if taken_by == "the dashboard":
        other.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    before, held = frozen(other, 0), other.storage.read(lambda c: c.execute(select(leases)).all())
    writes: list[Callable[[], object]] = [
        lambda: suggest_value(trial, "y", UNIT),
        lambda: suggest_value(trial, "z", UNIT, 0.5),
        lambda: trial.report(0.25, 2),
        lambda: trial.set_user_attr("epochs", 9),
        lambda: trial.storage.set_trial_system_attr(trial._trial_id, "x", 9),
        lambda: study.results.complete(trial, 0.25),
        lambda: study.results.prune(trial),
        lambda: study.results.fail(trial, "nan", "it was"),
        lambda: study.trials.hand_back(trial),
        lambda: study.trials.interrupted(lease, "crashed", "it was"),
        lambda: study.checkpoints.record(lease, 2, "new", "1" * 64),
        lambda: study.trials.renew(lease),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError, match="The lease on trial 0 is over") as caught:
            write()
        assert "\n" not in str(caught.value)
    assert frozen(other, 0) == before
    assert other.storage.read(lambda c: c.execute(select(leases)).all()) == held
    assert other.checkpoints.leftovers() == []


def test_write_that_begins_while_the_lease_is_taken_is_refused_when_it_goes_on(
    study: Study, other: Study
) -> None:
    trial = claim(study)
    expire(other)
    (found,), _ = other.storage.read(lambda connection: expired(connection, study.id, 60.0))
    begun = threading.Event()

    def note(connection: Any, cursor: Any, statement: str, *details: Any) -> None:
        if statement.startswith("INSERT INTO trial_intermediate_values"):
            begun.set()

    event.listen(study.storage.engine, "before_cursor_execute", note)
    with ThreadPoolExecutor(1) as pool:

        def take(connection: Connection) -> "Future[None]":
            reclaim(connection, found, 3)
            report = pool.submit(trial.report, 0.5, 0)
            assert begun.wait(60.0)
            return report

        report = other.storage.transact(take)
        with pytest.raises(LeaseLostError):
            report.result()
    assert frozen(other, 0).intermediate_values == {}


def test_trial_that_loses_its_worker_again_and_again_fails_with_its_reason(study: Study) -> None:
    for interruptions in (1, 2):
        study.checkpoints.record(
            study.trials.lease_of(claim(study)), interruptions, f"artifact {interruptions}", "0" * 64
        )
        expire(study)
        assert study.trials.reclaim_expired() == [Released(0, "waiting", interruptions)]
    claim(study)
    expire(study)
    assert study.trials.reclaim_expired() == [Released(0, "failed", 3)]
    trial = frozen(study, 0)
    assert (trial.state, trial.user_attrs["failure"]) == (TrialState.FAIL, "lost")
    assert "3 times" in trial.user_attrs["reason"]
    assert trial.datetime_complete is not None
    assert sorted(study.checkpoints.leftovers()) == ["artifact 1", "artifact 2"]
    assert claim(study).number == 1


def test_interruption_that_the_worker_survives_counts_like_one_that_it_does_not(study: Study) -> None:
    claim(study)
    expire(study)
    lease = study.trials.lease_of(claim(study))
    assert study.trials.interrupted(lease, "crashed", "signal 11") == Released(0, "waiting", 2)
    lease = study.trials.lease_of(claim(study))
    assert study.trials.interrupted(lease, "crashed", "signal 11, {n}%") == Released(0, "failed", 3)
    assert frozen(study, 0).user_attrs["failure"] == "crashed"
    assert study.counts() == Counts(waiting=2, failed=1)


def test_trial_that_is_handed_back_is_not_counted_as_interrupted(study: Study) -> None:
    for _ in range(4):
        trial = claim(study)
        assert (trial.number, study.trials.lease_of(trial).interruptions) == (0, 0)
        study.trials.hand_back(trial)


def test_trial_that_runs_without_a_lease_is_taken_back_after_a_while(study: Study, other: Study) -> None:
    claim(study)
    study.storage.transact(lambda connection: connection.execute(delete(leases)))
    assert other.trials.reclaim_expired(orphan_seconds=3600.0) == []
    assert other.trials.reclaim_expired(orphan_seconds=-3600.0) == [Released(0, "waiting", 1)]
    assert study.trials.lease_of(claim(study)).interruptions == 1


def test_checkpoint_is_left_over_once_it_is_replaced_or_its_trial_has_ended(study: Study) -> None:
    first, second = claim(study), claim(study)
    lease = study.trials.lease_of(first)
    assert study.checkpoints.record(lease, 1, "a", "0" * 64) is None
    assert study.checkpoints.record(lease, 2, "b", "1" * 64) == "a"
    assert study.checkpoints.leftovers() == ["a"]
    study.checkpoints.forget(["a"])
    assert study.checkpoints.leftovers() == []
    study.results.complete(first, 1.0)
    assert study.checkpoints.leftovers() == ["b"]
    study.checkpoints.record(study.trials.lease_of(second), 1, "c", "2" * 64)
    study.storage.set_trial_state_values(second._trial_id, TrialState.FAIL)  # as the dashboard does
    study.trials.reclaim_expired()
    assert sorted(study.checkpoints.leftovers()) == ["b", "c"]


def test_ending_writes_the_result_and_its_reasons_in_one_transaction(study: Study) -> None:
    trial = claim(study)

    def refuse(connection: Any, cursor: Any, statement: str, *details: Any) -> None:
        if statement.startswith("UPDATE trials"):
            raise RuntimeError("killed here")

    event.listen(study.storage.engine, "before_cursor_execute", refuse)
    with pytest.raises(RuntimeError, match="killed here"):
        study.results.fail(trial, "oom", "too large")
    event.remove(study.storage.engine, "before_cursor_execute", refuse)
    assert (frozen(study, 0).state, frozen(study, 0).user_attrs) == (TrialState.RUNNING, {})
    study.trials.renew(study.trials.lease_of(trial))


def test_no_trial_is_claimed_while_workers_are_asked_to_leave(study: Study, other: Study) -> None:
    lease = study.trials.lease_of(claim(study, worker="worker"))
    assert not study.stop_requested()
    other.request_stop()
    other.request_stop()
    assert study.stop_requested()
    assert study.trials.renew(lease)
    assert study.workers.seen("worker")
    assert study.trials.claim(random_sampler, NopPruner()) is None
    assert study.counts() == Counts(waiting=2, running=1)
    other.clear_stop()
    assert not study.stop_requested()
    assert claim(study).number == 1


def test_spending_counts_epochs_and_the_time_since_the_first_claim(study: Study) -> None:
    spent = study.spent()
    assert (spent.seconds, spent.epochs, spent.best) == (0.0, 0, None)
    first, second = claim(study), claim(study)
    for step in range(3):
        first.report(1.0, step)
    second.report(0.5, 0)
    study.results.complete(second, 0.5)
    study.trials.hand_back(first)
    claim(study)
    spent = study.spent()
    assert (spent.epochs, spent.best) == (4, 0.5)
    assert 0.0 <= spent.seconds < 60.0
    attributes = study.optuna().user_attrs
    study.storage.set_study_user_attr(study.id, "studyhall:started", attributes["studyhall:started"] - 1000.0)
    assert 1000.0 <= study.spent().seconds < 1060.0


def test_workers_are_listed_with_what_they_do_as_long_as_they_live(
    study: Study, other: Study, empty_storage_url: str
) -> None:
    study.workers.register("a", host="here", pid=1, device="CPU")
    other.workers.register("b", host="there", pid=2, device="GPU 0")
    lease = study.trials.lease_of(claim(study, worker="a"))
    study.trials.renew(lease, epoch=3, images_per_second=12.5)
    with Catalogue(empty_storage_url) as catalogue:
        first, second = catalogue.summary("bss").workers
    assert (first.worker, first.host, first.pid, first.device) == ("a", "here", 1, "CPU")
    assert (first.trial, first.epoch, first.images_per_second) == (0, 3, 12.5)
    assert (second.worker, second.trial) == ("b", None)
    assert 0.0 <= first.silent_seconds <= first.running_seconds < 60.0
    silent = (
        update(studyhall_tables.workers).where(studyhall_tables.workers.c.worker == "b").values(seen_at=0.0)
    )
    study.storage.transact(lambda connection: connection.execute(silent))
    assert [each.worker for each in study.workers.alive()] == ["a"]
    study.workers.seen("a")
    assert study.workers.alive()[0].trial is None
    study.workers.dismiss("a")
    assert study.workers.alive() == []


def test_catalogue_counts_expired_leases_and_changes_nothing(study: Study, empty_storage_url: str) -> None:
    claim(study)
    with Catalogue(empty_storage_url) as catalogue:
        assert (catalogue.summary("bss").expired, catalogue.summary("bss").silent) == (0, [])
        late = update(leases).values(renewed_at=now() - 40.0, worker="a-1-b")
        study.storage.transact(lambda connection: connection.execute(late))
        (silent,) = catalogue.summary("bss").silent
        assert (silent.number, silent.worker) == (0, "a-1-b")
        assert silent.silent_seconds == pytest.approx(40, abs=15)
        assert silent.back_seconds == pytest.approx(20, abs=15)
        expire(study)
        assert catalogue.summary("bss").expired == 1
        assert catalogue.summary("bss").silent[0].back_seconds < 0
        assert catalogue.summary("bss").counts == Counts(waiting=2, running=1)
        study.request_stop()
        assert catalogue.summary("bss").stopping


def test_deleting_a_study_ends_its_workers_and_its_leases_and_no_later_trial_inherits_them(
    empty_storage_url: str, study: Study
) -> None:
    lease = study.trials.lease_of(claim(study))
    study.checkpoints.record(lease, 1, "a", "0" * 64)
    study.checkpoints.record(lease, 2, "b", "0" * 64)
    study.workers.register("a", host="here", pid=1, device="CPU")
    plain = RDBStorage(schema.optuna_url(study.storage.address), study.storage.address.options)
    optuna.delete_study(study_name="bss", storage=plain)  # as the dashboard does
    plain.engine.dispose()
    assert study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner()) is None
    again = Study.create_or_join(study.storage, study.definition)
    assert (again.checkpoints.leftovers(), again.workers.alive()) == ([], [])
    assert again.trials.lease_of(claim(again)).checkpoint is None


def test_database_of_an_older_version_is_given_our_tables_when_it_is_opened(
    empty_storage_url: str, study: Study
) -> None:
    study.storage.transact(studyhall_tables.metadata.drop_all)
    study.storage.close()
    with Catalogue(empty_storage_url) as catalogue:
        assert (catalogue.summary("bss").expired, list(catalogue.summary("bss").workers)) == (0, [])
    for create in (False, True):
        storage = open_storage(empty_storage_url, create=create)
        assert set(studyhall_tables.metadata.tables) <= set(inspect(storage.engine).get_table_names())
        claim(Study.open(storage, "bss"))
        storage.close()


def test_lease_begins_by_the_clock_of_the_database(study: Study) -> None:
    claim(study)
    row = select(
        leases.c.renewed_at - now(), seconds_of(trials.c.datetime_start) - now(), leases.c.ttl_seconds
    ).join(trials, trials.c.trial_id == leases.c.trial_id)
    renewed, started, ttl = study.storage.read(lambda connection: connection.execute(row).one())
    assert -60.0 < renewed <= 0.0
    assert -60.0 < started <= 0.0
    assert ttl == 60.0


def test_restart_of_the_server_is_no_sign_of_life(postgres_url: str) -> None:
    storage = open_storage(postgres_url, create=True)
    study = Study.create_or_join(storage, Definition.model_validate({"name": "bss", "search": {"trials": 1}}))
    claim(study)
    started = literal_column("EXTRACT(EPOCH FROM pg_postmaster_start_time())", Float)
    up = float(storage.read(lambda connection: connection.scalar(select(now() - started))) or 0.0)
    over = update(leases).values(renewed_at=now() - up - 120.0, ttl_seconds=up + 60.0)
    storage.transact(lambda connection: connection.execute(over))
    assert study.trials.reclaim_expired() == [Released(0, "waiting", 1)]
    storage.close()
