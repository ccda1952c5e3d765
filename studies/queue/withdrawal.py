"""Trials that are taken out of the queue: they have nothing left to try, or are not asked for any more.

A trial that is withdrawn is deleted, as if it had never been asked for. Numbers stay without gaps, as Optuna
counts on: a trial before one that has begun fails instead, with a kind of failure of its own, and is counted
nowhere.

Each function is one step of a transaction that the caller holds.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, or_, select, update

from studyhall.studies.database.attributes import BEGUN, EXHAUSTED, FAILURE, REASON, START
from studyhall.studies.database.dialects import insert_into, utc_now
from studyhall.studies.database.optuna_tables import (
    FAIL,
    WAITING,
    studies,
    study_user_attributes,
    trial_intermediate_values,
    trial_params,
    trial_system_attributes,
    trial_user_attributes,
    trial_values,
    trials,
)
from studyhall.studies.json_text import to_json
from studyhall.studies.queue import leasing
from studyhall.studies.queue.failure_kind import FailureKind

_OF_TRIAL = (
    trial_params,
    trial_values,
    trial_intermediate_values,
    trial_user_attributes,
    trial_system_attributes,
)


@dataclass(frozen=True)
class Exhausted:
    """A search space that was tried to its end: its configurations, and the trials left without one."""

    configurations: int
    withdrawn: int


def is_asked(trial_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a trial has values already, or somebody asked for some: it is no sampler's."""
    start = trial_system_attributes.c
    return or_(
        exists().where(trial_params.c.trial_id == trial_id),
        exists().where(start.trial_id == trial_id, start.key == START, start.value_json.like('{"values"%')),
        exists().where(start.trial_id == trial_id, start.key == BEGUN),
    )


def exhausted(connection: Connection, study_id: int, configurations: int) -> Exhausted | None:
    """Withdraw all trials that a sampler would have to propose values for, because there are none left.

    Returns what people are told from now on, or None where no trial was waiting, now or before.
    """
    _lock(connection, study_id)
    known = found(connection, study_id)
    withdrawn = _withdraw(connection, _waiting(connection, study_id), "all configurations were tried")
    if withdrawn == 0:
        return known
    told = Exhausted(configurations, withdrawn + (known.withdrawn if known else 0))
    row = {"study_id": study_id, "key": EXHAUSTED, "value_json": to_json(asdict(told))}
    table = study_user_attributes
    new = insert_into(connection, table).values(row)
    replace = {"value_json": new.excluded.value_json}
    connection.execute(
        new.on_conflict_do_update(index_elements=[table.c.study_id, table.c.key], set_=replace)
    )
    return told


def found(connection: Connection, study_id: int) -> Exhausted | None:
    """Return what `exhausted` has found last; None where trials were added since, or nothing was found."""
    c = study_user_attributes.c
    text = connection.scalar(select(c.value_json).where(c.study_id == study_id, c.key == EXHAUSTED))
    return None if text is None else Exhausted(**json.loads(text))


def forget(connection: Connection, study_id: int) -> None:
    """Forget what `exhausted` has found."""
    c = study_user_attributes.c
    connection.execute(delete(study_user_attributes).where(c.study_id == study_id, c.key == EXHAUSTED))


def beyond(connection: Connection, study_id: int, total: int) -> int:
    """Withdraw trials from the end of the queue until no more than `total` are left; return how many.

    Those that somebody asked for, or that have begun, stay.
    """
    _lock(connection, study_id)
    held = select(func.count()).select_from(trials).where(trials.c.study_id == study_id)
    too_many = connection.execute(held).scalar_one() - count_ended(connection, study_id) - total
    if too_many <= 0:
        return 0
    last = _waiting(connection, study_id)[-too_many:]
    return _withdraw(connection, last, "fewer trials are asked for")


def count_ended(connection: Connection, study_id: int) -> int:
    """Count the trials that were withdrawn and could not be deleted."""
    failed = trials.c.study_id == study_id, trials.c.state == FAIL
    query = select(func.count()).select_from(trials).where(*failed, is_ended(trials.c.trial_id))
    return int(connection.execute(query).scalar_one())


def is_ended(trial_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a trial, which failed, was withdrawn and could not be deleted."""
    failure = trial_user_attributes.c
    withdrawn = failure.value_json == to_json(FailureKind.WITHDRAWN)
    return exists().where(failure.trial_id == trial_id, failure.key == FAILURE, withdrawn)


def _lock(connection: Connection, study_id: int) -> None:
    # The lock under which trials are numbered; on SQLite the transaction is the lock.
    connection.execute(select(studies.c.study_id).where(studies.c.study_id == study_id).with_for_update())


def _waiting(connection: Connection, study_id: int) -> list[Any]:
    """Return the trials that a sampler would have to propose values for, in the order of their numbers."""
    query = (
        select(trials.c.trial_id, trials.c.study_id, trials.c.number)
        .where(trials.c.study_id == study_id, trials.c.state == WAITING, ~is_asked(trials.c.trial_id))
        .order_by(trials.c.number)
        .with_for_update(skip_locked=True, of=trials)
    )
    return list(connection.execute(query).all())


def _withdraw(connection: Connection, rows: Sequence[Any], reason: str) -> int:
    if not rows:
        return 0
    ids = {row.trial_id for row in rows}
    c = trials.c
    (study_id,) = {row.study_id for row in rows}
    all_of_study = connection.execute(select(c.trial_id, c.number).where(c.study_id == study_id))
    last = max((row.number for row in all_of_study if row.trial_id not in ids), default=-1)
    tail = select(c.trial_id).where(c.study_id == study_id, c.number > last)
    for table in _OF_TRIAL:
        connection.execute(delete(table).where(table.c.trial_id.in_(tail)))
    connection.execute(delete(trials).where(c.study_id == study_id, c.number > last))
    for row in rows:
        if row.number < last:
            ended = {"state": FAIL, "datetime_complete": utc_now()}
            connection.execute(update(trials).where(c.trial_id == row.trial_id).values(ended))
            leasing.set_attributes(connection, row.trial_id, {FAILURE: FailureKind.WITHDRAWN, REASON: reason})
    return len(rows)
