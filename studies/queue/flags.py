"""Flags of a study: the request that its workers leave, and which events were announced.

Each function is one step of a transaction that the caller holds.
"""

from sqlalchemy import ColumnElement, Connection, Text, cast, delete, exists, select

from studyhall.studies.database.attributes import ANNOUNCED_PREFIX, STOP
from studyhall.studies.database.dialects import insert_into, now
from studyhall.studies.database.optuna_tables import study_system_attributes, study_user_attributes
from studyhall.studies.json_text import to_json


def request(connection: Connection, study_id: int) -> None:
    """Ask all workers to leave."""
    note_time(connection, study_id, STOP)


def withdraw(connection: Connection, study_id: int) -> None:
    """Let workers work again."""
    table = study_user_attributes
    connection.execute(delete(table).where(table.c.study_id == study_id, table.c.key == STOP))


def is_requested(connection: Connection, study_id: int) -> bool:
    """Whether workers are asked to leave."""
    return bool(connection.scalar(select(requested(study_id))))


def requested(study_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether workers are asked to leave, as a condition in other queries."""
    table = study_user_attributes
    return exists().where(table.c.study_id == study_id, table.c.key == STOP)


def note_time(connection: Connection, study_id: int, key: str) -> None:
    """Give the study the time of now as an attribute, unless it has that attribute."""
    row = {"study_id": study_id, "key": key, "value_json": cast(now(), Text)}
    connection.execute(insert_into(connection, study_user_attributes).values(row).on_conflict_do_nothing())


def claim_announcement(connection: Connection, study_id: int, event: str, occasion: str) -> bool:
    """Record that this process announces an event; False if another has announced it on this occasion.

    Args:
        connection: The transaction.
        study_id: The study.
        event: What is announced.
        occasion: Tells this time from the last one.
    """
    table = study_system_attributes
    row = {"study_id": study_id, "key": ANNOUNCED_PREFIX + event, "value_json": to_json(occasion)}
    new = insert_into(connection, table).values(row)
    taken = new.on_conflict_do_update(
        index_elements=[table.c.study_id, table.c.key],
        set_={"value_json": new.excluded.value_json},
        where=table.c.value_json != new.excluded.value_json,
    )
    return connection.execute(taken.returning(table.c.key)).first() is not None
