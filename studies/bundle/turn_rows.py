"""Whose turn it is to publish a study's bundle, in the database: one process at a time, by the database's clock.

Each function is one step of a transaction that the caller holds.
"""

from sqlalchemy import Connection, delete, select, update

from studyhall.studies.database.dialects import insert_into, is_older, now
from studyhall.studies.database.studyhall_tables import publications


def take(connection: Connection, study_id: int, token: str, holder: str, ttl_seconds: float) -> bool:
    """Take the turn if nobody has it, or who has it gives no sign of life any more; return whether it is taken.

    Args:
        connection: The transaction.
        study_id: The study.
        token: What tells this turn from every other one.
        holder: Who takes it, for people.
        ttl_seconds: How long it lasts after its last renewal.
    """
    c = publications.c
    held = {"token": token, "holder": holder, "renewed_at": now(), "ttl_seconds": ttl_seconds}
    new = insert_into(connection, publications).values(study_id=study_id, **held)
    free = (c.token == token) | is_older(c.renewed_at, c.ttl_seconds)
    taken = new.on_conflict_do_update(index_elements=[c.study_id], set_=held, where=free).returning(c.token)
    return connection.execute(taken).first() is not None


def renew(connection: Connection, study_id: int, token: str) -> bool:
    """Note that the holder of a turn lives; False if it is another's by now."""
    c = publications.c
    held = update(publications).where(c.study_id == study_id, c.token == token)
    return connection.execute(held.values(renewed_at=now())).rowcount == 1


def leave(connection: Connection, study_id: int, token: str) -> None:
    """Give a turn back; nothing happens if it is another's by now."""
    c = publications.c
    connection.execute(delete(publications).where(c.study_id == study_id, c.token == token))


def holder(connection: Connection, study_id: int) -> str | None:
    """Return who has the turn, alive or not; None if nobody."""
    c = publications.c
    return connection.scalar(select(c.holder).where(c.study_id == study_id))
