"""The SQL that SQLite and PostgreSQL differ in: the database's clock, and inserts of rows that may exist."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, Float, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_SINCE_1970 = "((julianday({}) - 2440587.5) * 86400.0)"  # from days since noon, 24 November 4714 BC


class now(FunctionElement[float]):
    """The time of the database, in seconds since 1970; on PostgreSQL it goes on within a transaction."""

    type = Float(53)
    inherit_cache = True


class lease_now(FunctionElement[float]):
    """The time by which leases end, in seconds since 1970: `now`, but on SQLite nobody can move it."""

    type = Float(53)
    inherit_cache = True


class utc_now(FunctionElement[Any]):
    """The time of the database as Optuna stores times: UTC, without a zone."""

    type = DateTime()
    inherit_cache = True


class seconds_of(FunctionElement[float]):
    """A time that Optuna stored, in seconds since 1970."""

    type = Float(53)
    inherit_cache = True


@compiles(now, "sqlite")
def _(element: now, compiler: SQLCompiler, **options: Any) -> str:
    return _SINCE_1970.format("'now'")


@compiles(now, "postgresql")
def _(element: now, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(lease_now, "sqlite")
def _(element: lease_now, compiler: SQLCompiler, **options: Any) -> str:
    return "studyhall_now()"  # which shared_clock.py gives each connection


@compiles(lease_now, "postgresql")
def _(element: lease_now, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(now(), **options)


@compiles(utc_now, "sqlite")
def _(element: utc_now, compiler: SQLCompiler, **options: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


@compiles(utc_now, "postgresql")
def _(element: utc_now, compiler: SQLCompiler, **options: Any) -> str:
    return "(clock_timestamp() AT TIME ZONE 'UTC')"


@compiles(seconds_of, "sqlite")
def _(element: seconds_of, compiler: SQLCompiler, **options: Any) -> str:
    return _SINCE_1970.format(compiler.process(element.clauses, **options))


@compiles(seconds_of, "postgresql")
def _(element: seconds_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **options)}) AS DOUBLE PRECISION)"


def is_older(time: ColumnElement[float], seconds: ColumnElement[float] | float) -> ColumnElement[bool]:
    """Whether a time by the clock of leases was longer ago than so many seconds."""
    return time + seconds < lease_now()


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that knows ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
