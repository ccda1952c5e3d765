"""What the holder of a lease does with it in the database.

Each function is one step of a transaction that the caller holds. Each one that is given a lease raises
LeaseLostError where the lease is over; the transaction must then be rolled back. All of them take the lock on
the lease before the one on its trial, so that no two of them deadlock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, false, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from studyhall.studies.database.attributes import START, UNREPORTED
from studyhall.studies.database.dialects import insert_into, lease_now, utc_now
from studyhall.studies.database.optuna_tables import (
    RUNNING,
    WAITING,
    stored,
    trial_intermediate_values,
    trial_params,
    trial_system_attributes,
    trial_user_attributes,
    trial_values,
    trials,
)
from studyhall.studies.database.studyhall_tables import leases, leftovers, rungs
from studyhall.studies.json_text import to_json
from studyhall.studies.queue.lease import Checkpoint, Lease, lost

JSON = Any


def take(connection: Connection, trial: Row[Any], token: str, worker: str, ttl_seconds: float) -> Lease:
    """Lease a trial that the transaction has just taken out of the queue; `trial` is its row."""
    held = {"token": token, "worker": worker, "renewed_at": lease_now(), "ttl_seconds": ttl_seconds}
    new = insert_into(connection, leases).values(
        trial_id=trial.trial_id, study_id=trial.study_id, interruptions=0, **held
    )
    row = connection.execute(
        new.on_conflict_do_update(index_elements=[leases.c.trial_id], set_=held).returning(leases)
    ).one()
    return _lease(row, trial.number)


def find(connection: Connection, token: str) -> Lease | None:
    """Return the lease with a token, if the trial is still held by it."""
    row = connection.execute(
        select(leases, trials.c.number)
        .join(trials, trials.c.trial_id == leases.c.trial_id)
        .where(leases.c.token == token, trials.c.state == RUNNING)
    ).first()
    return None if row is None else _lease(row, row.number)


def is_held(connection: Connection, lease: Lease) -> bool:
    """Whether a lease is not over; the answer is true until others may write."""
    held = (
        select(leases.c.trial_id)
        .join(trials, trials.c.trial_id == leases.c.trial_id)
        .where(_of(lease), trials.c.state == RUNNING)
        .with_for_update(read=True, of=leases)
    )
    return connection.execute(held).first() is not None


def require(connection: Connection, lease: Lease) -> None:
    """Check that a lease is not over, and keep it so until the transaction ends; on SQLite, write before."""
    if not is_held(connection, lease):
        raise lost(lease)


def renew(connection: Connection, lease: Lease) -> None:
    """Note that the holder of a lease lives."""
    runs = exists().where(trials.c.trial_id == leases.c.trial_id, trials.c.state == RUNNING)
    if (
        connection.execute(update(leases).where(_of(lease), runs).values(renewed_at=lease_now())).rowcount
        == 0
    ):
        raise lost(lease)


def record_checkpoint(connection: Connection, lease: Lease, checkpoint: Checkpoint) -> str | None:
    """Note where the trial can be continued; return the artifact that was noted before, now left over."""
    before = connection.execute(
        select(leases.c.checkpoint_artifact).where(_of(lease)).with_for_update()
    ).first()
    if before is None:
        raise lost(lease)
    connection.execute(
        update(leases)
        .where(_of(lease))
        .values(
            checkpoint_epoch=checkpoint.epoch,
            checkpoint_artifact=checkpoint.artifact_id,
            checkpoint_sha256=checkpoint.sha256,
        )
    )
    require(connection, lease)
    previous: str | None = before.checkpoint_artifact
    if previous == checkpoint.artifact_id:
        return None
    leave_over(connection, lease.study_id, previous)
    return previous


def hand_back(connection: Connection, lease: Lease, *, afresh: bool = False) -> None:
    """Give the trial back to the queue, with what is known of it.

    With `afresh` it is as it was put there, unless it has a checkpoint.
    """
    let_go = update(leases).where(_of(lease)).values(token=None).returning(leases.c.checkpoint_artifact)
    row = connection.execute(let_go).first()
    if row is None or not set_state(connection, lease.trial_id, WAITING):
        raise lost(lease)
    if afresh and row.checkpoint_artifact is None:
        for table in (trial_params, trial_intermediate_values, trial_user_attributes, rungs):
            # That it has blamed the study once is remembered, so that it does not do so for ever.
            kept = table.c.key == UNREPORTED if table is trial_user_attributes else false()
            connection.execute(delete(table).where(table.c.trial_id == lease.trial_id, ~kept))


def put_back(connection: Connection, lease: Lease, *, as_new: bool) -> None:
    """Give the trial back to the queue without its parameters, and without what follows from them.

    Args:
        connection: The transaction.
        lease: The lease.
        as_new: Whether the values that somebody asked for are forgotten too, because the trial cannot have
            them.
    """
    checkpoint = connection.scalar(select(leases.c.checkpoint_artifact).where(_of(lease)).with_for_update())
    nothing = {"checkpoint_epoch": None, "checkpoint_artifact": None, "checkpoint_sha256": None}
    connection.execute(update(leases).where(_of(lease)).values(nothing))
    hand_back(connection, lease, afresh=True)
    leave_over(connection, lease.study_id, checkpoint)
    if as_new:
        start = trial_system_attributes.c
        connection.execute(
            delete(trial_system_attributes).where(start.trial_id == lease.trial_id, start.key == START)
        )


def end(
    connection: Connection,
    lease: Lease,
    state: str,
    values: Sequence[float],
    attributes: Mapping[str, JSON],
) -> datetime:
    """End the trial, and the lease with it; return when that was, in UTC and without a zone.

    Args:
        connection: The transaction.
        lease: The lease.
        state: One of Optuna's for trials that are finished.
        values: The trial's result, one value for each objective; empty if it has none.
        attributes: User attributes that it is given.
    """
    row = connection.execute(delete(leases).where(_of(lease)).returning(leases.c.checkpoint_artifact)).first()
    ended = None if row is None else connection.scalar(_into(lease.trial_id, state))
    if row is None or ended is None:
        raise lost(lease)
    leave_over(connection, lease.study_id, row.checkpoint_artifact)
    set_attributes(connection, lease.trial_id, attributes)
    if values:
        connection.execute(
            insert(trial_values),
            [_value(lease.trial_id, objective, value) for objective, value in enumerate(values)],
        )
    return ended


def has_ended(connection: Connection, lease: Lease, state: str) -> bool:
    """Whether the trial has ended in such a state, by this lease as far as can be told afterwards."""
    found = connection.scalar(select(trials.c.state).where(trials.c.trial_id == lease.trial_id))
    return found == state and not is_held(connection, lease)


def set_state(connection: Connection, trial_id: int, state: str) -> bool:
    """Put a running trial into another state; False if it is not running."""
    return connection.execute(_into(trial_id, state)).first() is not None


def _into(trial_id: int, state: str) -> ReturningUpdate[datetime]:
    changed = {"state": state} if state == WAITING else {"state": state, "datetime_complete": utc_now()}
    running = update(trials).where(trials.c.trial_id == trial_id, trials.c.state == RUNNING)
    return running.values(changed).returning(trials.c.datetime_complete)


def set_attributes(connection: Connection, trial_id: int, attributes: Mapping[str, JSON]) -> None:
    """Give a trial user attributes."""
    if not attributes:
        return
    table = trial_user_attributes
    new = insert_into(connection, table)
    replace = {"value_json": new.excluded.value_json}
    connection.execute(
        new.on_conflict_do_update(index_elements=[table.c.trial_id, table.c.key], set_=replace),
        [
            {"trial_id": trial_id, "key": key, "value_json": to_json(value)}
            for key, value in attributes.items()
        ],
    )


def leave_over(connection: Connection, study_id: int, artifact_id: str | None) -> None:
    """Note that nobody needs an artifact any more."""
    if artifact_id is not None:
        row = {"artifact_id": artifact_id, "study_id": study_id}
        connection.execute(insert_into(connection, leftovers).values(row).on_conflict_do_nothing())


def _of(lease: Lease) -> ColumnElement[bool]:
    return (leases.c.trial_id == lease.trial_id) & (leases.c.token == lease.token)


def _lease(row: Row[Any], number: int) -> Lease:
    checkpoint = None
    if row.checkpoint_artifact is not None:
        checkpoint = Checkpoint(row.checkpoint_epoch, row.checkpoint_artifact, row.checkpoint_sha256)
    return Lease(row.trial_id, row.study_id, number, row.token, row.worker, row.interruptions, checkpoint)


def _value(trial_id: int, objective: int, value: float) -> dict[str, object]:
    number, kind = stored(value)
    return {"trial_id": trial_id, "objective": objective, "value": number, "value_type": kind}
