"""The creation of a study: all its rows, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, insert

from studyhall.studies.algorithms.factory import is_grid
from studyhall.studies.database import optuna_tables
from studyhall.studies.database.attributes import (
    CREATED,
    DEFINITION,
    METRIC_NAMES,
    SIGNATURE,
    STORE,
    VERSIONS,
)
from studyhall.studies.database.dialects import insert_into
from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import signature
from studyhall.studies.errors import DefinitionError
from studyhall.studies.json_text import to_json
from studyhall.studies.queue import queue
from studyhall.studies.study.note_rows import first_note
from studyhall.studies.study.note_text import note_text
from studyhall.studies.study.versions import installed
from studyhall.studies.values import Value


def create(
    connection: Connection,
    definition: Definition,
    warm: Sequence[Mapping[str, Value]] = (),
    marker: str | None = None,
    *,
    empty: bool = False,
) -> int | None:
    """Create a study and its trials; return its id, or None, and change nothing, if its name is taken.

    Args:
        connection: The transaction.
        definition: The study.
        warm: Configurations to try after those of the definition, as far as there are trials for them.
        marker: The file in its artifact store that its workers look for.
        empty: Whether it is created without its trials.

    Raises:
        DefinitionError: It enqueues more configurations than it asks for trials.
    """
    study_id = _insert(connection, definition.name)
    if study_id is None:
        return None
    directions = [
        {"study_id": study_id, "objective": number, "direction": direction.upper()}
        for number, direction in enumerate(definition.directions)
    ]
    connection.execute(insert(optuna_tables.study_directions), directions)
    shown = {METRIC_NAMES: list(definition.metrics), **first_note(note_text(definition))}
    connection.execute(insert(optuna_tables.study_system_attributes), _rows(study_id, shown))
    facts = {
        DEFINITION: definition.record(),
        SIGNATURE: signature(definition),
        CREATED: datetime.now(UTC).isoformat(timespec="seconds"),
        VERSIONS: installed(),
    }
    if marker is not None:
        facts[STORE] = marker
    connection.execute(insert(optuna_tables.study_user_attributes), _rows(study_id, facts))
    if not empty:
        queue.append(connection, study_id, _starts(definition, warm))
    return study_id


def _insert(connection: Connection, name: str) -> int | None:
    new = insert_into(connection, optuna_tables.studies)
    # Where another process is creating the same name, PostgreSQL waits here for how that ends.
    unless_taken = (
        new.values(study_name=name).on_conflict_do_nothing().returning(optuna_tables.studies.c.study_id)
    )
    return connection.execute(unless_taken).scalar_one_or_none()


def _rows(study_id: int, attributes: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"study_id": study_id, "key": k, "value_json": to_json(v)} for k, v in attributes.items()]


def _starts(definition: Definition, warm: Sequence[Mapping[str, Value]]) -> list[queue.Start]:
    trials = definition.search.trials
    # A grid is tried point by point, the first one by the first trial: the defaults would cost it that point.
    first: list[queue.Start] = [] if is_grid(definition.sampler) else [{"defaults": True}]
    asked = [*first, *({"values": each} for each in definition.enqueue)]
    if len(asked) > trials:
        raise DefinitionError(
            f"Study {definition.name!r} asks for {trials} trials, too few for the defaults and what it "
            f"enqueues: set search.trials to {len(asked)} or more."
        )
    known = [start.get("values") for start in asked]
    asked += [{"values": dict(each)} for each in warm if each not in known][: trials - len(asked)]
    return asked + [{}] * (trials - len(asked))
