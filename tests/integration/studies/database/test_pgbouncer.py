"""What a storage promises holds behind PgBouncer in transaction mode, where each transaction may be in
another session.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import Trial
from sqlalchemy import Connection, make_url, text, update

from studyhall.studies.database.connection import IDLE_SECONDS
from studyhall.studies.database.retrying import Patience
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.definition import Definition
from studyhall.studies.errors import LeaseLostError, StorageError
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.pgbouncer import PROGRAM, PgBouncer, running_pgbouncer
from tests.support.postgres import PostgresServer
from tests.support.races import run_processes

CONNECTIONS = 3  # fewer than there are workers
WORKERS = 6
UNIT = FloatDistribution(0.0, 1.0)


@pytest.fixture(scope="module")
def pooler(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    with running_pgbouncer(postgres_server, tmp_path_factory.mktemp("pgbouncer"), CONNECTIONS) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(pooler: PgBouncer, postgres_url: str) -> str:
    """The URL of an empty database, by way of the pooler."""
    return pooler.url(postgres_url)


@pytest.fixture
def storage(pooled_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(pooled_url, create=True)
    yield storage
    storage.close()


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    return Study.create_or_join(storage, Definition.model_validate({"name": "bss", "search": {"trials": 3}}))


def claim(study: Study) -> Trial:
    trial = study.trials.claim(lambda number: TPESampler(seed=number, n_startup_trials=1), MedianPruner())
    assert trial is not None
    return trial


def test_workers_that_start_at_once_create_one_study_and_finish_each_trial_once(pooled_url: str) -> None:
    assert run_processes("start", pooled_url, WORKERS, 30) == [30] * WORKERS
    answers = run_processes("work", pooled_url, WORKERS, 30)
    times = Counter(number for numbers in answers for number in numbers)
    # A fifth is handed back once.
    assert times == {number: 2 if number % 5 == 0 else 1 for number in range(30)}
    with Catalogue(pooled_url) as catalogue:
        assert catalogue.summary("raced").counts == Counts(complete=30)


def test_lease_that_expired_is_taken_over_and_its_former_holder_refused(study: Study) -> None:
    lost = claim(study)
    value = suggest_value(lost, "x", UNIT)
    for step in range(10):  # a statement that is used again and again is one that drivers prepare
        lost.report(float(step), step)
    study.storage.transact(
        lambda connection: connection.execute(update(leases).values(renewed_at=0.0, ttl_seconds=0.0))
    )
    taken = claim(study)
    assert taken.number == lost.number
    assert suggest_value(taken, "x", UNIT) == value
    with pytest.raises(LeaseLostError):
        study.results.complete(lost, 1.0)
    study.trials.renew(study.trials.lease_of(taken))
    study.results.complete(taken, 0.5)
    assert study.counts() == Counts(waiting=2, complete=1)


def test_each_transaction_has_our_settings_and_leaves_none_behind(
    storage: StudyStorage, postgres_url: str
) -> None:
    def settings(connection: Connection) -> tuple[str, str, int]:
        names = ("TimeZone", "idle_in_transaction_session_timeout")
        zone, idle = (connection.execute(text(f"SHOW {name}")).scalar_one() for name in names)
        return zone, idle, connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

    with storage.engine.connect() as first, storage.engine.connect() as second:
        found = [settings(first), settings(second)]
    assert [each[:2] for each in found] == [("UTC", f"{IDLE_SECONDS}s")] * 2
    assert found[0][2] != found[1][2]

    def raw(connection: Connection) -> str:
        connection.connection.rollback()  # out of the transaction that was set up
        cursor = connection.connection.cursor()
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        row = cursor.fetchone()
        assert row is not None
        return str(row[0])

    assert storage.read(raw) == "0"


def test_statement_that_was_used_often_works_in_another_session(storage: StudyStorage) -> None:
    often = text("SELECT pg_backend_pid(), CAST(:number AS integer)")
    with storage.engine.connect() as first, storage.engine.connect() as second:
        for number in range(10):
            before = first.execute(often, {"number": number}).one()
            first.commit()
        second.execute(text("SELECT 1"))  # it takes the session that the first one has just left
        after = first.execute(often, {"number": 10}).one()
    assert before[0] != after[0]


def test_times_are_utc_whatever_the_zone_of_the_server(study: Study) -> None:
    number = claim(study).number
    started = study.optuna().trials[number].datetime_start
    assert started is not None
    assert abs(started - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)


def test_restart_of_the_server_behind_the_pooler_is_waited_for(
    pooled_url: str, postgres_server: PostgresServer
) -> None:
    storage = open_storage(pooled_url, create=True, patience=Patience(60.0))
    study = Study.create_or_join(storage, Definition.model_validate({"name": "bss", "search": {"trials": 1}}))
    trial = claim(study)
    postgres_server.stop("immediate")
    postgres_server.start()
    study.trials.renew(study.trials.lease_of(trial))
    study.results.complete(trial, 1.0)
    assert study.counts() == Counts(complete=1)
    storage.close()


def test_database_that_does_not_exist_is_one_line_at_once(pooled_url: str) -> None:
    url = make_url(pooled_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StorageError, match=r"cannot be used: .*nowhere"):
        open_storage(url, create=True, patience=Patience(60.0))
