"""A study's note in optuna-dashboard, below a mark: what people write above the mark stays theirs."""

import json
import math
from collections.abc import Mapping

from sqlalchemy import Connection, select

from studyhall.studies.database.dialects import insert_into
from studyhall.studies.database.optuna_tables import study_system_attributes
from studyhall.studies.json_text import to_json

MARK = "[//]: # (Studyhall rewrites what is below this line; write above it, or remove the line to keep all.)"
"""The line that our part of a note begins with; Markdown shows nothing of it."""

# As optuna-dashboard keeps notes (optuna_dashboard/_note.py): a version that rises with each change, and the
# text in pieces, because MySQL holds no more in one.
_VERSION = "dashboard:note_ver"
_PIECE = "dashboard:note_str:"
_PIECE_LENGTH = 2045  # characters


def first_note(text: str) -> dict[str, object]:
    """Return the system attributes that give a new study its note.

    Args:
        text: Our part, in Markdown.
    """
    return {_VERSION: 1, **_pieces(f"{MARK}\n\n{text}")}


def rewrite(connection: Connection, study_id: int, text: str) -> bool:
    """Rewrite our part of a study's note; False, and no change, where people have removed the mark.

    It is one step of a transaction that the caller holds, after `study_rows.lock`. Whoever has the note open
    in the dashboard meanwhile is told there that it has changed.

    Args:
        connection: The transaction.
        study_id: The study.
        text: Our part, in Markdown.
    """
    table = study_system_attributes
    rows = connection.execute(
        select(table.c.key, table.c.value_json).where(
            table.c.study_id == study_id, table.c.key.startswith("dashboard:note_", autoescape=True)
        )
    )
    held = {row.key: json.loads(row.value_json) for row in rows}
    theirs, mark, _ = body(held).partition(MARK)
    if not mark and held:
        return False
    changed = {_VERSION: int(held.get(_VERSION, 0)) + 1, **_pieces(f"{theirs}{MARK}\n\n{text}")}
    changed |= {key: "" for key in held if key not in changed}  # of a longer one; the dashboard does so too
    if body(changed) == body(held):
        return True
    for key, value in changed.items():
        row = {"study_id": study_id, "key": key, "value_json": to_json(value)}
        new = insert_into(connection, table).values(row)
        replaced = {"value_json": new.excluded.value_json}
        connection.execute(
            new.on_conflict_do_update(index_elements=[table.c.study_id, table.c.key], set_=replaced)
        )
    return True


def _pieces(text: str) -> dict[str, object]:
    count = math.ceil(len(text) / _PIECE_LENGTH)
    return {f"{_PIECE}{n}": text[n * _PIECE_LENGTH : (n + 1) * _PIECE_LENGTH] for n in range(count)}


def body(attributes: Mapping[str, object]) -> str:
    """Return the whole note that is in a study's system attributes; empty where there is none."""
    count = sum(key.startswith(_PIECE) for key in attributes)
    return "".join(str(attributes[f"{_PIECE}{n}"]) for n in range(count))
