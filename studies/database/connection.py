"""A database: how it is reached without Optuna, and its failures as one line each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from studyhall.studies.database.address import BUSY_SECONDS, Address
from studyhall.studies.database.outages import may_pass
from studyhall.studies.database.shared_clock import share_clock
from studyhall.studies.errors import StorageAwayError, StorageError
from studyhall.studies.files import similar_beside

IDLE_SECONDS = 30  # after which PostgreSQL ends the transaction of a silent client, and its locks
# Optuna's columns hold times without a zone, which the server fills in the session's zone. And a client that
# is frozen in the middle of a transaction would keep everybody from its trial and more.
_SETTINGS = f"""
    SET {{scope}} TIME ZONE 'UTC'; SET {{scope}} idle_in_transaction_session_timeout = '{IDLE_SECONDS} s'
"""
REST_SECONDS = 5.0  # after which a connection may have been cut by somebody on the way
PREPARED_AFTER = 5  # times that a statement is sent; the server then plans it no more
_RESTS_SINCE = "studyhall:rests since"
_POOLED = "studyhall:pooled"  # whether a pooler is between a connection and the server
_UNDEFINED_TABLE = "42P01"  # among the codes of PostgreSQL's errors


def require(address: Address) -> None:
    """Check that the SQLite file is there; for PostgreSQL, that is the server's to say.

    The file itself is not opened: closing it again would drop the locks that SQLite holds on it in this
    process.

    Raises:
        StorageError: It is missing, or is not a file.
    """
    with explained(address):
        if address.path is None or address.path.is_file():
            return
        if address.path.exists():
            raise StorageError(
                f"{address.shown} is not a file: name a file, as in {address.shown}/studies.db"
            )
    near = "" if address.path is None else similar_beside(address.path)
    hint = f"; {near}" if near else "."
    raise StorageError(
        f"There is no database {address.shown}{hint} Create it with: studyhall search STUDY.toml"
    )


def connect(address: Address, *, create: bool = False) -> Engine:
    """Return an engine; it connects when it is first used.

    Args:
        address: Where the database is.
        create: Whether that may create the SQLite file.

    Raises:
        StorageError: The driver is not installed.
    """
    url = address.url
    if create and address.path is not None:
        url = url.update_query_dict({"mode": "rwc"})
    try:
        engine = create_engine(url, **address.options)
    except ImportError as error:
        raise StorageError(f"{address.shown} needs its driver: pip install 'studyhall[postgres]'") from error
    prepare(engine)
    return engine


def prepare(engine: Engine) -> None:
    """Give every connection that an engine is going to make the settings that Studyhall relies on.

    Behind a pooler such as PgBouncer each transaction may be in another session, so each one is given them. A
    statement without a transaction holds no locks, and Studyhall's do not depend on the zone.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _set_up_transaction)
    else:
        share_clock(engine)


def ping_after_a_rest(engine: Engine) -> None:
    """Ask whether a connection still holds, before it is used, only where it was not used for a while."""

    def rest(connection: Any, record: Any) -> None:
        record.info[_RESTS_SINCE] = time.monotonic()

    def use(connection: Any, record: Any, proxy: Any) -> None:
        since = record.info.get(_RESTS_SINCE)
        rested = since is not None and time.monotonic() - since > REST_SECONDS
        # Private, but it is what `pool_pre_ping` does.
        if rested and not engine.dialect._do_ping_w_event(connection):
            raise DisconnectionError

    event.listen(engine, "checkin", rest)
    event.listen(engine, "checkout", use)


def _set_up(connection: Any, record: Any) -> None:
    with connection.cursor() as cursor:
        # A pooler gives out numbers of its own, because a client has no process of the server for itself.
        cursor.execute("SELECT pg_backend_pid()")
        record.info[_POOLED] = cursor.fetchone()[0] != connection.info.backend_pid
        if not record.info[_POOLED]:
            cursor.execute(_SETTINGS.format(scope="SESSION"))
            if connection.prepare_threshold is None:  # and so the URL says nothing else
                connection.prepare_threshold = PREPARED_AFTER
    connection.commit()


def _set_up_transaction(connection: Connection) -> None:
    alone = connection.connection.dbapi_connection.autocommit  # type: ignore[union-attr]  # it is open
    if connection.info.get(_POOLED) and not alone:
        connection.exec_driver_sql(_SETTINGS.format(scope="LOCAL"))


@contextmanager
def explained(address: Address) -> Iterator[None]:
    """Turn what goes wrong with a database inside the block into a StorageError."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise failure(address, error) from error


def failure(address: Address, error: BaseException) -> StorageError:
    """Return the one line that says what a database's error means and what to do about it."""
    if str(getattr(error, "orig", "")).startswith("no such table") or _sqlstate(error) == _UNDEFINED_TABLE:
        return empty(address)
    told = error.strerror if isinstance(error, OSError) else getattr(error, "orig", None)
    cause = " ".join(str(told or error).split()).rstrip(".?")
    if address.url.password:
        cause = cause.replace(str(address.url.password), "***")
    if address.path is None:
        remedy = "Check that the server runs, and the user, password and database in the URL"
    elif "locked" in cause:
        remedy = f"Another program has held it for {BUSY_SECONDS} s: close that, and start again"
    elif "not a database" in cause:
        remedy = "Name another file, or move this one away"
    else:
        remedy = "Check that its folder exists, has space and may be written"
    kind = StorageAwayError if may_pass(error) else StorageError
    return kind(f"{address.shown} cannot be used: {cause}. {remedy}.")


def empty(address: Address) -> StorageError:
    """Return the error for a database in which Optuna never created its tables."""
    return StorageError(f"{address.shown} holds no studies yet. Create one with: studyhall search STUDY.toml")


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)
