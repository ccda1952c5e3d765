"""The artifacts that the records in a storage name, of all its studies, whichever program made them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from studyhall.studies.artifacts.attachments import RECORD_PREFIX
from studyhall.studies.database.optuna_tables import (
    study_system_attributes,
    study_user_attributes,
    trial_system_attributes,
)
from studyhall.studies.database.studyhall_tables import leases, leftovers

# Whatever could be an id: rather too much than too little.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,127}")


def named(connection: Connection) -> frozenset[str]:
    """Return all texts in a storage that may be ids of artifacts which something there needs, or may need."""
    return frozenset(_named(connection))


def _named(connection: Connection) -> Iterator[str]:
    for table in (study_system_attributes, study_user_attributes):
        yield from _words(connection, table)
    # Of trials only the records: everything else that they hold may be long, and names nothing.
    yield from _words(
        connection, trial_system_attributes, trial_system_attributes.c.key.contains(RECORD_PREFIX)
    )
    yield from connection.scalars(select(leftovers.c.artifact_id))
    held = leases.c.checkpoint_artifact
    yield from connection.scalars(select(held).where(held.is_not(None)))


def _words(connection: Connection, table: Table, *where: ColumnElement[bool]) -> Iterator[str]:
    for key, text in connection.execute(select(table.c.key, table.c.value_json).where(*where)):
        yield from _WORD.findall(key)
        yield from _strings(json.loads(text or "null"))


def _strings(value: Any) -> Iterator[str]:
    """Yield all words of all texts in a JSON value; records of artifacts are themselves JSON in a text."""
    if isinstance(value, str):
        yield from _WORD.findall(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _WORD.findall(key)
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
