"""A study's row and its attributes: found by name, read, and written, each by one statement."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, literal, select, update

from studyhall.studies.database.dialects import insert_into
from studyhall.studies.database.optuna_tables import (
    studies,
    study_directions,
    study_user_attributes,
)
from studyhall.studies.json_text import to_json


def study_names(connection: Connection) -> list[str]:
    """Return the names of all studies, oldest first."""
    return list(connection.scalars(select(studies.c.study_name).order_by(studies.c.study_id)))


def study_id(connection: Connection, name: str) -> int | None:
    """Return a study's id; None if there is no such study."""
    return connection.scalar(select(studies.c.study_id).where(studies.c.study_name == name))


def exists(connection: Connection, study_id: int) -> bool:
    """Whether there is a study with this id."""
    return connection.scalar(select(studies.c.study_id).where(studies.c.study_id == study_id)) is not None


def lock(connection: Connection, study_id: int) -> None:
    """Have whoever else asks for this lock wait until the transaction ends; on SQLite the transaction is it.

    On PostgreSQL it is the study's row, without being in the way of those who only refer to it.
    """
    row = select(studies.c.study_id).where(studies.c.study_id == study_id)
    connection.execute(row.with_for_update(key_share=True))


def directions(connection: Connection, study_id: int) -> list[str]:
    """Return "minimize" or "maximize" for each of a study's objectives."""
    c = study_directions.c
    found = connection.scalars(select(c.direction).where(c.study_id == study_id).order_by(c.objective))
    return [str(each).lower() for each in found]


def attributes(connection: Connection, study_id: int, keys: Iterable[str]) -> dict[str, Any]:
    """Return those of a study's user attributes that it has."""
    table = study_user_attributes
    query = select(table.c.key, table.c.value_json).where(
        table.c.study_id == study_id, table.c.key.in_(list(keys))
    )
    return {key: json.loads(value) for key, value in connection.execute(query)}


def attributes_after(connection: Connection, study_id: int, prefix: str) -> dict[str, Any]:
    """Return those of a study's user attributes whose names begin with a prefix, by what follows it."""
    c = study_user_attributes.c
    query = select(c.key, c.value_json).where(
        c.study_id == study_id, c.key.startswith(prefix, autoescape=True)
    )
    return {key.removeprefix(prefix): json.loads(value) for key, value in connection.execute(query)}


def set_attribute(connection: Connection, study_id: int, key: str, value: Any) -> None:
    """Change a user attribute that a study has; nothing is written if it is the same."""
    table, text = study_user_attributes, to_json(value)
    held = (table.c.study_id == study_id, table.c.key == key, table.c.value_json != text)
    connection.execute(update(table).where(*held).values(value_json=text))


def put_attribute(connection: Connection, table: Table, study_id: int, key: str, text: str) -> int:
    """Give a study an attribute, as a row of `table`; return 0 if there is no such study."""
    row = select(studies.c.study_id, literal(key), literal(text)).where(studies.c.study_id == study_id)
    new = insert_into(connection, table).from_select(["study_id", "key", "value_json"], row)
    replace = {"value_json": new.excluded.value_json}
    upsert = new.on_conflict_do_update(index_elements=[table.c.study_id, table.c.key], set_=replace)
    return connection.execute(upsert, execution_options={"preserve_rowcount": True}).rowcount
