"""The clock by which leases on SQLite end: one for all processes of the machine, which nobody can move.

SQLite has no clock but that of the process that asks. What people set, and time servers correct, would end
all leases at once, or none for hours. So time is counted since the machine was started, without the time that
it was suspended; how that count stands to the years since 1970 is noted once, in the database.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, func, select

from studyhall.studies.database.dialects import insert_into
from studyhall.studies.database.studyhall_tables import clocks, leases

FUNCTION = "studyhall_now"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot() -> str | None:
    """Return what tells this start of the machine from all others; None where nothing does."""
    with suppress(OSError):
        return _BOOT.read_text().strip() or None
    return None


def wall_clock() -> float:
    """Return the seconds since 1970 by the machine's clock."""
    return time.time()


def since_start() -> float:
    """Return the seconds since the machine was started, without those that it was suspended."""
    return time.monotonic()


def share_clock(engine: Engine) -> None:
    """Give every connection that an engine is going to make the function that tells the time."""
    event.listen(engine, "connect", _give_clock)


def note_clock(connection: Connection) -> None:
    """Note how the count since the machine's start stands to the years, unless that was done since then.

    No lease of an earlier start is left in the future, whatever the machine's clock says after it.
    """
    since = boot()
    if since is None or connection.scalar(select(clocks.c.boot).where(clocks.c.boot == since)) is not None:
        return
    latest = connection.scalar(select(func.max(leases.c.renewed_at))) or 0.0
    offset = max(wall_clock(), latest) - since_start()
    row = {"boot": since, "ahead_seconds": offset}
    connection.execute(insert_into(connection, clocks).values(row).on_conflict_do_nothing())


def _give_clock(connection: Any, record: Any) -> None:
    connection.create_function(FUNCTION, 0, _clock(connection))


def _clock(connection: sqlite3.Connection) -> Callable[[], float]:
    """Return the clock of this start of the machine; where nobody has noted it yet, the machine's own."""
    found = None
    # The database has no such table yet, or is held by another program.
    with suppress(sqlite3.OperationalError, sqlite3.DatabaseError):
        query = f"SELECT {clocks.c.ahead_seconds.name} FROM {clocks.name} WHERE {clocks.c.boot.name} = ?"
        found = connection.execute(query, (boot(),)).fetchone()
    if found is None:
        return wall_clock
    ahead: float = found[0]
    return lambda: ahead + since_start()
