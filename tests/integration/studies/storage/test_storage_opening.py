"""A storage is opened where it can be, and nothing is created where it should not."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import Trial
from sqlalchemy import Connection, Table, create_engine, event, insert, select, update

from studyhall.studies.database import optuna_tables
from studyhall.studies.database.address import parse
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StorageError
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study

DEFINITION = Definition.model_validate({"name": "bss", "search": {"trials": 3}})


@pytest.fixture
def sqlite_storage(sqlite_template: Path, tmp_path: Path) -> Iterator[StudyStorage]:
    shutil.copy(sqlite_template, tmp_path / "studies.db")
    storage = open_storage(f"sqlite:///{tmp_path}/studies.db", create=False)
    yield storage
    storage.close()


@pytest.mark.parametrize(
    "name", ["a b/stüdies 名.db", "100% {SCHEMA_VERSION} {}.db", 'it\'s "quoted".db', "a&b=c;d#e.db"]
)
def test_hostile_paths_hold_studies_like_others(name: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/{name}"
    storage = open_storage(url, create=True)
    Study.create_or_join(storage, DEFINITION)
    storage.close()
    assert (tmp_path / name).is_file()
    again = open_storage(url, create=False)
    assert Study.open(again, "bss").counts() == Counts(waiting=3)
    again.close()
    with Catalogue(url) as catalogue:
        assert catalogue.summary("bss").counts == Counts(waiting=3)


def test_new_storage_leaves_its_file_and_nothing_beside_it(tmp_path: Path) -> None:
    open_storage(f"sqlite:///{tmp_path}/new/folder/studies.db", create=True).close()
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["studies.db"]


@pytest.mark.parametrize("opened", [lambda url: open_storage(url, create=False), lambda url: Catalogue(url)])
def test_missing_file_is_one_line_and_nothing_is_created(opened: type, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"There is no database .* Create it with: studyhall search"):
        opened(f"sqlite:///{tmp_path}/new/studies.db")
    assert list(tmp_path.iterdir()) == []


def test_database_without_studyhalls_tables_is_one_line_and_is_not_given_any(storage_url: str) -> None:
    address = parse(storage_url)
    if address.path is not None:
        sqlite3.connect(address.path).close()
        address.path.touch()
    with pytest.raises(StorageError, match=r"holds no studies yet\. Create one with: studyhall search"):
        open_storage(storage_url, create=False)
    with Catalogue(storage_url) as catalogue, pytest.raises(StorageError, match="holds no studies yet"):
        catalogue.summaries()
    engine = create_engine(address.url)
    with engine.connect() as connection:
        assert not engine.dialect.has_table(connection, "studies")
    engine.dispose()


@pytest.mark.parametrize("create", [True, False])
def test_file_that_is_no_database_is_one_line_and_stays_as_it_is(create: bool, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, and long enough to have a header\n" * 9)
    before = file.read_bytes()
    with pytest.raises(StorageError, match=r"file is not a database\. Name another file") as caught:
        open_storage(f"sqlite:///{file}", create=create)
    assert "\n" not in str(caught.value)
    assert (file.read_bytes(), os.listdir(tmp_path)) == (before, ["notes.txt"])


def test_path_that_cannot_be_created_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be used: File exists"):
        open_storage(f"sqlite:///{tmp_path}/file/studies.db", create=True)
    with pytest.raises(StorageError, match="is not a file"):
        open_storage(f"sqlite:///{tmp_path}", create=True)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("create", [True, False])
def test_server_that_refuses_is_one_line_without_the_password(
    create: bool, postgres_url: str, postgres_server: object
) -> None:
    wrong = parse(postgres_url).url.set(password="wrong pass@word", drivername="postgresql")
    for url in (wrong, wrong.set(port=1), wrong.set(host="nowhere.invalid")):
        with pytest.raises(StorageError, match=r"cannot be used: .* Check that the server runs") as caught:
            open_storage(url.render_as_string(hide_password=False), create=create)
        assert "\n" not in str(caught.value)
        assert "pass" not in str(caught.value).replace("password", "")
        assert ":***@" in str(caught.value)


def test_missing_postgresql_database_is_one_line(postgres_url: str) -> None:
    missing = parse(postgres_url).url.set(database="nowhere", drivername="postgresql")
    with pytest.raises(StorageError, match='database "nowhere" does not exist'):
        open_storage(missing.render_as_string(hide_password=False), create=True)


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        (
            optuna_tables.alembic_version,
            "version_num",
            "v9.9.9.z",
            r"made by a newer Optuna \(5\.[^)]*\): pip install",
        ),
        (
            optuna_tables.alembic_version,
            "version_num",
            "v3.0.0.d",
            r"made by Optuna 5\..*a database of its own",
        ),
        (
            optuna_tables.version_info,
            "library_version",
            "4.5.0",
            r"made by Optuna 4\.5\.0, which stores times",
        ),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_database_of_another_optuna_is_one_line(
    empty_storage_url: str, table: Table, column: str, value: str, message: str, create: bool
) -> None:
    storage = open_storage(empty_storage_url, create=False)
    storage.transact(lambda connection: connection.execute(update(table).values({column: value})))
    storage.close()
    with pytest.raises(StorageError, match=message) as caught:
        open_storage(empty_storage_url, create=create)
    assert "\n" not in str(caught.value)


def test_older_sqlite_file_is_given_the_write_ahead_log(sqlite_storage: StudyStorage) -> None:
    url = f"sqlite:///{sqlite_storage.address.path}"

    def journal(connection: Connection) -> object:
        return connection.exec_driver_sql("PRAGMA journal_mode").scalar()

    assert sqlite_storage.read(journal) == "wal"
    sqlite_storage.close()
    with sqlite3.connect(str(sqlite_storage.address.path)) as plain:
        plain.execute("PRAGMA journal_mode=DELETE")
    plain.close()
    again = open_storage(url, create=True)
    assert again.read(journal) == "wal"
    again.close()


def test_postgresql_sessions_are_in_utc(postgres_url: str) -> None:
    storage = open_storage(postgres_url, create=True)  # on a server whose own zone is another
    assert storage.read(lambda connection: connection.exec_driver_sql("SHOW timezone").scalar()) == "UTC"
    storage.close()


def test_write_lock_is_taken_first_by_the_transactions_that_decide_and_by_no_others(
    sqlite_storage: StudyStorage,
) -> None:
    immediate = []
    event.listen(
        sqlite_storage.engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *_: immediate.append(statement == "BEGIN IMMEDIATE"),
    )
    study = Study.create_or_join(sqlite_storage, DEFINITION)

    def claim() -> Trial:
        trial = study.trials.claim(lambda number: optuna.samplers.RandomSampler(), optuna.pruners.NopPruner())
        assert trial is not None
        return trial

    trial = claim()
    deciding: list[Callable[[], object]] = [
        lambda: study.optuna().enqueue_trial({}),
        lambda: study.trials.renew(study.trials.lease_of(trial)),
        lambda: study.checkpoints.record(study.trials.lease_of(trial), 1, "a", "0" * 64),
        lambda: study.results.complete(trial, 1.0),
        lambda: study.trials.hand_back(other),
        claim,
        lambda: study.extend(1),
    ]
    other = claim()
    for action in deciding:
        immediate.clear()
        action()
        assert immediate.count(True) == 1, action
    trial = claim()
    immediate.clear()
    trial.set_user_attr("a", 1)
    trial.report(0.5, 0)
    suggest_value(trial, "x", FloatDistribution(0, 1))
    study.counts()
    study.optuna().get_trials()
    assert immediate.count(True) == 0


def test_what_was_read_before_another_process_wrote_can_still_be_followed_by_a_write(
    sqlite_storage: StudyStorage,
) -> None:
    study = Study.create_or_join(sqlite_storage, DEFINITION)
    other = open_storage(f"sqlite:///{sqlite_storage.address.path}", create=False)
    with sqlite_storage.engine.connect() as connection:
        connection.execute(select(optuna_tables.trials)).all()
        other.set_study_user_attr(study.id, "between", 1)
        row = {"study_id": study.id, "key": "after", "value_json": "2"}
        # Not "database is locked".
        connection.execute(insert(optuna_tables.study_user_attributes).values(row))
        connection.commit()
    assert study.optuna().user_attrs["between"] == 1
    assert study.optuna().user_attrs["after"] == 2
    other.close()


def test_write_waits_for_another_that_is_going_on(sqlite_storage: StudyStorage) -> None:
    study = Study.create_or_join(sqlite_storage, DEFINITION)
    other = open_storage(f"sqlite:///{sqlite_storage.address.path}", create=False)
    writing, asked, order = threading.Event(), threading.Event(), []

    def write(connection: Connection) -> None:
        connection.execute(update(optuna_tables.trials).values(state=optuna_tables.WAITING))
        writing.set()
        assert asked.wait(timeout=60)
        order.append("first")

    def ask() -> None:
        assert writing.wait(timeout=60)
        event.listen(sqlite_storage.engine, "engine_connect", lambda connection: asked.set())
        study.extend(1)
        order.append("second")

    first, second = threading.Thread(target=other.transact, args=(write,)), threading.Thread(target=ask)
    for thread in (first, second):
        thread.start()
    for thread in (first, second):
        thread.join(timeout=90)
    assert order == ["first", "second"]
    assert study.counts().total == 4
    other.close()
