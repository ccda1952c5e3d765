"""The workers of a study, as they report that they live.

Each function is one step of a transaction that the caller holds.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from studyhall.studies.database.dialects import insert_into, lease_now
from studyhall.studies.database.studyhall_tables import workers

_FORGOTTEN_SECONDS = 24 * 3600.0  # after which a worker that did not say farewell is no longer listed


@dataclass(frozen=True)
class WorkerSeen:
    """A worker that gave a sign of life lately; times are in seconds until now, by the database's clock."""

    worker: str
    host: str
    pid: int
    device: str
    running_seconds: float
    silent_seconds: float
    trial: int | None  # the number of the one that it holds
    epoch: int | None
    images_per_second: float | None


def register(connection: Connection, study_id: int, worker: str, host: str, pid: int, device: str) -> None:
    """Note a worker that begins, and forget those that have long been silent."""
    gone = workers.c.seen_at + _FORGOTTEN_SECONDS < lease_now()
    connection.execute(delete(workers).where(workers.c.study_id == study_id, gone))
    facts = {"study_id": study_id, "host": host, "pid": pid, "device": device}
    facts |= {
        "started_at": lease_now(),
        "seen_at": lease_now(),
        "trial": None,
        "epoch": None,
        "images_per_second": None,
    }
    new = insert_into(connection, workers).values(worker=worker, **facts)
    connection.execute(new.on_conflict_do_update(index_elements=[workers.c.worker], set_=facts))


def note(
    connection: Connection,
    worker: str,
    trial: int | None = None,
    epoch: int | None = None,
    images_per_second: float | None = None,
) -> None:
    """Note that a worker lives, and what it does; nothing happens if it is not registered."""
    doing = {"trial": trial, "epoch": epoch, "images_per_second": images_per_second}
    connection.execute(update(workers).where(workers.c.worker == worker).values(seen_at=lease_now(), **doing))


def dismiss(connection: Connection, worker: str) -> None:
    """Forget a worker that leaves."""
    connection.execute(delete(workers).where(workers.c.worker == worker))


def alive(connection: Connection, study_id: int, within_seconds: float) -> list[WorkerSeen]:
    """Return the workers that gave a sign of life lately, the oldest first."""
    c = workers.c
    running, silent = lease_now() - c.started_at, lease_now() - c.seen_at
    query = (
        select(c.worker, c.host, c.pid, c.device, running, silent, c.trial, c.epoch, c.images_per_second)
        .where(c.study_id == study_id, silent <= within_seconds)
        .order_by(c.started_at, c.worker)
    )
    return [WorkerSeen(*row) for row in connection.execute(query)]
