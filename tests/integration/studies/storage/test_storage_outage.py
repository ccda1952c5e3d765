"""The database goes away in the middle of the work, and nothing is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial
from sqlalchemy import Connection, event, update
from sqlalchemy.exc import OperationalError

from studyhall.studies.database import retrying
from studyhall.studies.database.address import parse
from studyhall.studies.database.connection import IDLE_SECONDS
from studyhall.studies.database.retrying import Patience
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.errors import StorageError
from studyhall.studies.queue import leasing
from studyhall.studies.queue.lease import Released
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.studies import define

UNIT = FloatDistribution(0.0, 1.0)
EPOCHS = 3


def next_trial(study: Study) -> Trial | None:
    return study.trials.claim(lambda number: TPESampler(seed=number, n_startup_trials=2), MedianPruner())


def claim(study: Study) -> Trial:
    trial = next_trial(study)
    assert trial is not None
    return trial


@pytest.fixture
def patient(postgres_url: str) -> Iterator[StudyStorage]:
    """A storage of a worker."""
    storage = open_storage(postgres_url, create=True, patience=Patience(120.0))
    yield storage
    storage.close()


class Work(threading.Thread):
    """A worker's calls, as fast as they go; `steps` counts them while it works."""

    def __init__(self, study: Study) -> None:
        super().__init__(daemon=True)
        self.study = study
        self.steps = 0
        self.done = False
        self.changed = threading.Condition()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while (trial := self.step(next_trial, self.study)) is not None:
                value = self.step(suggest_value, trial, "x", UNIT)
                for epoch in range(EPOCHS):
                    self.step(trial.report, float(value) / (epoch + 1), epoch)
                    self.step(trial.should_prune)
                    self.step(self.study.trials.renew, self.study.trials.lease_of(trial), epoch=epoch)
                    self.step(
                        self.study.checkpoints.record,
                        self.study.trials.lease_of(trial),
                        epoch,
                        f"{trial.number}-{epoch}",
                        "0" * 64,
                    )
                self.step(trial.set_user_attr, "epochs", EPOCHS)
                self.step(self.study.results.complete, trial, float(value))
        except BaseException as error:  # noqa: BLE001 - the test shows it
            self.error = error
        finally:
            with self.changed:
                self.done = True
                self.changed.notify_all()

    def step(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        result = call(*arguments, **options)
        with self.changed:
            self.steps += 1
            self.changed.notify_all()
        return result

    def await_steps(self, more: int) -> None:
        """Wait until it has made so many steps more, or is done."""
        with self.changed:
            goal = self.steps + more
            assert self.changed.wait_for(lambda: self.steps >= goal or self.done, timeout=120.0)

    def finish(self) -> None:
        """Wait until it is done, and raise what went wrong."""
        self.join(timeout=240.0)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error


def check(study: Study, trials: int) -> None:
    assert study.counts() == Counts(complete=trials)
    for trial in study.optuna().trials:
        assert sorted(trial.intermediate_values) == list(range(EPOCHS))
        assert trial.user_attrs == {"epochs": EPOCHS}
        assert trial.value == trial.params["x"]
    expected = {f"{number}-{epoch}" for number in range(trials) for epoch in range(EPOCHS)}
    assert set(study.checkpoints.leftovers()) == expected


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_server_that_is_stopped_and_started_again_loses_nothing(
    postgres_server: Any, patient: StudyStorage, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.create_or_join(patient, define(10))
    noticed: list[StorageError] = []
    patient.patience.notice = noticed.append
    work = Work(study)
    work.start()
    for _ in range(2):
        work.await_steps(25)
        postgres_server.stop(mode)
        time.sleep(1.0)  # s, the outage
        postgres_server.start()
    work.finish()
    check(study, 10)
    assert noticed
    assert capfd.readouterr() == ("", "")


def test_a_worker_that_lives_keeps_its_trial_through_an_outage_that_is_longer_than_its_lease(
    postgres_server: Any, patient: StudyStorage, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.create_or_join(patient, define(1))
    lease = study.trials.lease_of(claim(study))
    short = update(leases).values(ttl_seconds=0.1)
    patient.transact(lambda connection: connection.execute(short))
    other = open_storage(postgres_url, create=False, patience=Patience(60.0))
    waiting = Study.open(other, "bss")
    postgres_server.stop("immediate")
    looking = threading.Thread(target=waiting.trials.outlook)  # as a worker does that waits
    looking.start()
    time.sleep(0.5)  # s, the outage
    postgres_server.start()
    looking.join()
    assert waiting.trials.outlook().has_news  # the lease is over
    assert waiting.trials.reclaim_expired() == []
    study.trials.renew(lease)
    monkeypatch.setattr(retrying, "SETTLING_SECONDS", 0.0)  # and one that is not heard of again loses it
    time.sleep(0.1)  # s, the lease
    assert waiting.trials.reclaim_expired() == [Released(0, "waiting", 1)]
    other.close()


def test_connections_that_are_cut_at_any_moment_lose_nothing(
    postgres_server: Any, patient: StudyStorage, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.create_or_join(patient, define(10))
    workers = [Work(study), Work(Study.open(patient, "bss"))]
    for work in workers:
        work.start()
    while not all(work.done for work in workers):
        workers[0].await_steps(3)
        workers[1].await_steps(3)
        postgres_server.terminate_clients()
    for work in workers:
        work.finish()
    check(study, 10)
    assert capfd.readouterr() == ("", "")


def test_worker_that_is_frozen_in_the_middle_of_a_transaction_does_not_hold_up_the_others(
    patient: StudyStorage, postgres_url: str
) -> None:
    study = Study.create_or_join(patient, define(1))
    lease = study.trials.lease_of(claim(study))
    over = update(leases).values(renewed_at=0.0, ttl_seconds=0.0)
    patient.transact(lambda connection: connection.execute(over))
    other = open_storage(postgres_url, create=False)
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(leasing.is_held(connection, lease))
        if len(attempts) > 1:
            return
        unset = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
        assert unset == f"{IDLE_SECONDS}s"
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = '300 ms'")
        # This one stands still, and holds a lock on the lease; the other gets it all the same.
        assert Study.open(other, "bss").trials.reclaim_expired() == [Released(0, "waiting", 1)]

    patient.transact(work)
    assert attempts == [True, False]
    other.close()


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False, patience=Patience(60.0))
    yield storage
    storage.close()


ACTIONS: dict[str, Callable[[Study, Trial], object]] = {
    "complete": lambda study, trial: study.results.complete(trial, 0.5),
    "fail": lambda study, trial: study.results.fail(trial, "nan", "it was"),
    "hand back": lambda study, trial: study.trials.hand_back(trial),
    "interrupted": lambda study, trial: study.trials.interrupted(
        study.trials.lease_of(trial), "crashed", "it was"
    ),
    "claim": lambda study, trial: claim(study).number,
    "renew": lambda study, trial: study.trials.renew(study.trials.lease_of(trial)),
    "checkpoint": lambda study, trial: study.checkpoints.record(
        study.trials.lease_of(trial), 2, "b", "1" * 64
    ),
    "extend": lambda study, trial: study.extend(2),
    "enqueue": lambda study, trial: study.enqueue({"filters": 8}),
    "report": lambda study, trial: trial.report(0.5, 1),
    "suggest": lambda study, trial: suggest_value(trial, "x", UNIT, 0.5),
    "record": lambda study, trial: trial.set_user_attr("a", 1),
    "stop": lambda study, trial: study.request_stop(),
}


def away() -> OperationalError:
    class Gone(Exception):
        sqlstate = "57P01"

    return OperationalError("COMMIT", {}, Gone("terminating connection"))


@pytest.mark.parametrize("got_through", [True, False], ids=["commit got through", "commit did not"])
def test_lost_answer_to_a_commit_makes_no_difference(storage: StudyStorage, got_through: bool) -> None:
    for action, act in ACTIONS.items():
        answers, found = [], []
        for losing in (False, True):
            name = f"{action}-{losing}".replace(" ", "-")
            study = Study.create_or_join(storage, define(4, name))
            trial = claim(study)
            study.checkpoints.record(study.trials.lease_of(trial), 1, f"{name} a", "0" * 64)
            lost = lose_next_commit(storage, got_through) if losing else []
            answers.append(str(act(study, trial)).replace(name, ""))
            assert bool(lost) is losing
            left_over = [each.replace(name, "") for each in study.checkpoints.leftovers()]
            facts = [
                (t.state, t.params, t.user_attrs, t.values, t.intermediate_values) for t in trials(study)
            ]
            found.append((study.counts(), left_over, facts, study.stop_requested()))
        assert answers[0] == answers[1], action
        assert found[0] == found[1], action


def lose_next_commit(storage: StudyStorage, got_through: bool) -> list[bool]:
    """Have the answer to the next commit of a write be that the server is away; return what that adds to."""
    done: list[bool] = []
    wrote: list[str] = []

    def watch(connection: Connection, cursor: Any, statement: str, *details: Any) -> None:
        if statement.split()[0] in ("INSERT", "UPDATE", "DELETE"):
            wrote.append(statement)

    def lose(connection: Connection) -> None:
        if wrote and not done:
            done.append(True)
            if got_through:
                connection.connection.commit()
            else:
                connection.connection.rollback()
            raise away()

    event.listen(storage.engine, "after_cursor_execute", watch)
    event.listen(storage.engine, "commit", lose)
    return done


def trials(study: Study) -> list[FrozenTrial]:
    return study.optuna().trials


def test_one_shot_storage_says_at_once_that_the_server_is_away(
    postgres_server: Any, postgres_url: str
) -> None:
    storage = open_storage(postgres_url, create=True)
    study = Study.create_or_join(storage, define(1))
    postgres_server.stop()
    try:
        for act in (study.counts, study.optuna, lambda: open_storage(postgres_url, create=False)):
            with pytest.raises(StorageError, match="cannot be used") as caught:
                act()
            assert "\n" not in str(caught.value)
            assert "secret" not in str(caught.value)
    finally:
        postgres_server.start()
    assert study.counts() == Counts(waiting=1)
    storage.close()


def test_patience_ends_in_one_line_and_hurry_ends_it_sooner(postgres_server: Any, postgres_url: str) -> None:
    patience = Patience(0.3)
    storage = open_storage(postgres_url, create=True, patience=patience)
    study = Study.create_or_join(storage, define(1))
    postgres_server.stop()
    try:
        with pytest.raises(StorageError, match="Check that the server runs"):
            study.counts()
        patience.seconds = 600.0
        patience.notice = lambda error: patience.hurry(0.2)  # as a signal that comes during the wait
        with pytest.raises(StorageError, match="Check that the server runs"):
            study.trials.claim(lambda number: optuna.samplers.RandomSampler(), optuna.pruners.NopPruner())
    finally:
        postgres_server.start()
    storage.close()


def test_worker_that_starts_before_the_server_waits_for_it(postgres_server: Any, postgres_url: str) -> None:
    opened = []
    noticed = threading.Event()
    patience = Patience(120.0, lambda error: noticed.set())
    postgres_server.stop()
    starting = threading.Thread(
        target=lambda: opened.append(open_storage(postgres_url, create=True, patience=patience))
    )
    try:
        starting.start()
        assert noticed.wait(timeout=60.0)
    finally:
        postgres_server.start()
    starting.join(timeout=60.0)
    assert Study.create_or_join(opened[0], define(2)).counts() == Counts(waiting=2)
    opened[0].close()


def test_wrong_password_is_not_waited_for(postgres_url: str) -> None:
    wrong = parse(postgres_url).url.set(password="wrong", drivername="postgresql")
    patience = Patience(600.0, lambda error: pytest.fail("it waits"))
    for url in (wrong, wrong.set(database="nowhere")):
        with pytest.raises(StorageError, match="cannot be used"):
            open_storage(url.render_as_string(hide_password=False), create=True, patience=patience)


def test_conflicts_are_tried_again_without_any_patience(storage: StudyStorage) -> None:
    storage.patience = Patience(0.0)
    tries = []

    class Deadlock(Exception):
        sqlstate = "40P01"

    def work(connection: Connection) -> int:
        tries.append(1)
        if len(tries) < 4:
            raise OperationalError("UPDATE", {}, Deadlock("deadlock detected"))
        return len(tries)

    assert storage.transact(work) == 4
