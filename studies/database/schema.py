"""The tables that studies are kept in, Optuna's and ours: created once, by one process at a time."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.exc import OperationalError

from studyhall.studies.database import optuna_tables, studyhall_tables
from studyhall.studies.database.address import Address
from studyhall.studies.database.connection import connect, empty, explained, failure, require
from studyhall.studies.database.retrying import Patience, persist
from studyhall.studies.database.shared_clock import note_clock

_ADVISORY_KEY = int.from_bytes(b"studyhal")  # any number that no other program locks


def optuna_url(address: Address) -> str:
    """Return the URL as Optuna wants it: with the password in clear, and as a template for str.format."""
    return address.url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")


@contextmanager
def optuna_explained(address: Address) -> Iterator[None]:
    """Turn what goes wrong with a database inside the block, in Optuna or below it, into a StorageError."""
    try:
        with explained(address):
            yield
    except StorageInternalError as error:
        raise failure(address, error.__cause__ or error) from error


def complete(address: Address, patience: Patience) -> None:
    """Create our tables in a database that has Optuna's.

    Raises:
        StorageError: The database cannot be reached, or does not have Optuna's tables.
    """

    def work() -> None:
        with _engine(address) as engine:
            if not _has_optunas(engine):
                raise empty(address)
            _ensure_ours(engine)

    with optuna_explained(address):
        persist(address, patience, work)


def ensure(address: Address, patience: Patience) -> None:
    """Create what is missing of the database: folder, file and tables.

    Any number of processes may do this at once. One that is killed meanwhile leaves what the next one
    completes.

    Raises:
        StorageError: The database cannot be reached or created.
    """

    def work() -> None:
        if address.path is None:
            _ensure_postgresql(address)
        else:
            _ensure_sqlite(address, address.path)

    with optuna_explained(address):
        persist(address, patience, work)


def _ensure_sqlite(address: Address, path: Path) -> None:
    if path.exists():
        require(address)
        with _engine(address) as engine:
            if _journal(engine) == "wal" and _has_optunas(engine):
                _ensure_ours(engine)
                return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _file_lock(path.with_name(path.name + ".lock")), _engine(address, create=True) as engine:
        _use_write_ahead_log(engine)
        if not _has_optunas(engine):
            _create_optunas(address)
        _ensure_ours(engine)


def _ensure_postgresql(address: Address) -> None:
    with _engine(address) as engine:
        if not _has_optunas(engine):
            with _locked(engine):
                if not _has_optunas(engine):
                    _create_optunas(address)
        _ensure_ours(engine)


def _ensure_ours(engine: Engine) -> None:
    if not _has_ours(engine):
        with _locked(engine) as connection:  # and so all of it is created, or nothing
            studyhall_tables.metadata.create_all(connection)
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            note_clock(connection)


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """Hold, for a transaction, the lock under which tables are created."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # A lock of the transaction and not of the session, so that it holds behind a connection pooler
            # too; there those who waited inside a transaction would take up the connections that the holder
            # needs.
            attempt = text("SELECT pg_try_advisory_xact_lock(:key)")
            while not connection.execute(attempt, {"key": _ADVISORY_KEY}).scalar_one():
                connection.rollback()
                time.sleep(random.uniform(0.05, 0.15))
        yield connection
        connection.commit()


@contextmanager
def _engine(address: Address, *, create: bool = False) -> Iterator[Engine]:
    engine = connect(address, create=create)
    try:
        yield engine
    finally:
        engine.dispose()


def _has_ours(engine: Engine) -> bool:
    known = inspect(engine)
    return all(known.has_table(name) for name in studyhall_tables.metadata.tables)


def _has_optunas(engine: Engine) -> bool:
    # The revision is the last thing that Optuna writes when it creates its tables.
    if not inspect(engine).has_table(optuna_tables.alembic_version.name):
        return False
    with engine.connect() as connection:
        return connection.execute(select(optuna_tables.alembic_version.c.version_num)).first() is not None


def _journal(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())


def _use_write_ahead_log(engine: Engine) -> None:
    with engine.connect() as connection:
        try:
            # Readers and a writer do not wait for each other.
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            # Somebody works in an older file without it: slower, and as safe. The next start tries again.
            if "locked" not in str(error.orig):
                raise


def _create_optunas(address: Address) -> None:
    storage = RDBStorage(optuna_url(address), address.options, skip_compatibility_check=True)
    storage.remove_session()
    storage.engine.dispose()


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process.

    Its file is removed while it is held; the next holder makes a new one.
    """
    with FileLock(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
