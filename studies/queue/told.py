"""What people have been told of a study: each occasion once, by whichever process comes first."""

from sqlalchemy import Connection

from studyhall.studies.database.attributes import TOLD_PREFIX
from studyhall.studies.database.dialects import insert_into
from studyhall.studies.database.optuna_tables import study_system_attributes
from studyhall.studies.json_text import to_json


def tell(connection: Connection, study_id: int, event: str, occasion: str) -> bool:
    """Note that people are being told of an event; False if somebody has done so on this occasion.

    It is one step of a transaction that the caller holds.

    Args:
        connection: the transaction.
        study_id: the study.
        event: what they are told of.
        occasion: tells this time from the last one.
    """
    table = study_system_attributes
    row = {"study_id": study_id, "key": TOLD_PREFIX + event, "value_json": to_json(occasion)}
    new = insert_into(connection, table).values(row)
    taken = new.on_conflict_do_update(
        index_elements=[table.c.study_id, table.c.key],
        set_={"value_json": new.excluded.value_json},
        where=table.c.value_json != new.excluded.value_json,
    )
    return connection.execute(taken.returning(table.c.key)).first() is not None
