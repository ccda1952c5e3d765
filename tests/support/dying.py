"""Deaths of a process at a commit, and answers of the database that never arrive."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from studyhall.studies.storage.study_storage import StudyStorage

When = Literal["before the commit", "after the commit", "without an answer"]


class DiedError(BaseException):
    """The process is no more; nothing of it may handle this."""


@dataclass(frozen=True)
class Blow:
    """What happens to a process at one of its commits.

    It dies before the commit, so that all is undone; or after it, so that it never learns what it did; or the
    commit gets through and its answer does not, as when a server restarts. `commits` counts the commits that
    go well before.
    """

    when: When
    commits: int


@contextmanager
def struck(storage: StudyStorage, blow: Blow | None) -> Iterator[None]:
    """Have a storage's process struck inside the block, unless it makes fewer commits."""
    dialect: Any = storage.engine.dialect
    commit: Callable[[Any], None] = dialect.do_commit
    left = [-1 if blow is None else blow.commits]

    def do_commit(connection: Any) -> None:
        left[0] -= 1
        if blow is None or left[0] != -1:
            commit(connection)
            return
        if blow.when != "before the commit":
            commit(connection)
        if blow.when != "without an answer":
            raise DiedError
        raise unanswered(dialect)

    dialect.do_commit = do_commit
    try:
        yield
    finally:
        del dialect.do_commit


def unanswered(dialect: Any) -> Exception:
    """Return what the driver raises where the answer to a statement does not arrive."""
    if dialect.name == "sqlite":
        # A file always answers; what comes closest, and is done again, is a database that is busy.
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        return error
    failure: Exception = dialect.dbapi.OperationalError("server closed the connection unexpectedly")
    return failure
