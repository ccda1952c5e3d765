"""Kinds of database errors: other transactions in the way, a database that is away, or one that refuses."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

# PostgreSQL's codes, https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICT = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock not available
# Connection lost, idle for too long, shutting down, starting, too many clients.
_AWAY = (
    "08",
    "25P03",
    "57P01",
    "57P02",
    "57P03",
    "53300",
)
# What the driver says, without a code, where to connect again is of no use.
_REFUSED = (
    "authentication failed",
    "does not exist",
    "no such database",  # says PgBouncer
    "pg_hba.conf",
    "no password supplied",
    "could not translate",
)
# https://www.sqlite.org/rescode.html
_SQLITE_BUSY = frozenset({5, 6})  # SQLITE_BUSY, SQLITE_LOCKED
_SQLITE_FAILED = frozenset({10, 13})  # SQLITE_IOERR, SQLITE_FULL
_OUT_OF_RESOURCES = "53"  # PostgreSQL's: no space, no memory, too many clients


def is_conflict(error: BaseException) -> bool:
    """Whether other transactions were in the way, so that the database has undone this one."""
    return _code(root(error)) in _CONFLICT


def is_away(error: BaseException) -> bool:
    """Whether the database may be there again, if it is asked later."""
    cause = root(error)
    if not isinstance(cause, DBAPIError):
        return False
    sqlite_code = getattr(cause.orig, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return (sqlite_code & 0xFF) in _SQLITE_BUSY
    code = _code(cause)
    if code is not None:
        return code.startswith(_AWAY)
    if not isinstance(cause, OperationalError | InterfaceError) or type(cause.orig).__module__ == "sqlite3":
        return cause.connection_invalidated
    return not any(words in str(cause.orig) for words in _REFUSED)


def may_pass(error: BaseException) -> bool:
    """Whether it is no fault of how the database was named or is set up: it is away, busy, or has no room."""
    if is_away(error) or is_conflict(error):
        return True
    cause = root(error)
    sqlite_code = getattr(getattr(cause, "orig", None), "sqlite_errorcode", None)
    if sqlite_code is not None:
        return (sqlite_code & 0xFF) in _SQLITE_FAILED
    return (_code(cause) or "").startswith(_OUT_OF_RESOURCES)


def root(error: BaseException) -> BaseException:
    """Return what the driver said, of an error that Optuna or SQLAlchemy may have made others of."""
    found, each = error, error.__cause__ or error.__context__
    while each is not None:
        if isinstance(each, DBAPIError):
            found = each
        each = each.__cause__ or each.__context__
    return found


def _code(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)
