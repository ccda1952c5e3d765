"""Trials whose workers are gone: found by the database's clock, and put back or given up.

Each function but `reclaim` is one step of a transaction that the caller holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    Select,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from studyhall.studies.database.attributes import FAILURE, REASON
from studyhall.studies.database.dialects import insert_into, is_older, lease_now, now, seconds_of
from studyhall.studies.database.optuna_tables import COMPLETE, FAIL, PRUNED, RUNNING, WAITING, trials
from studyhall.studies.database.studyhall_tables import leases, leftovers
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.lease import Lease, Released, lost
from studyhall.studies.queue.leasing import leave_over, set_attributes, set_state


@dataclass(frozen=True)
class Expired:
    """A running trial whose worker gave no sign of life for too long.

    `token` is None if no worker ever leased it.
    """

    trial_id: int
    study_id: int
    number: int
    token: str | None


@dataclass(frozen=True)
class Failure:
    """What to say of a trial that was interrupted for the last time."""

    kind: str
    reason: str  # may contain {n}, for the number of interruptions


_VANISHED = Failure(
    FailureKind.LOST, "its worker disappeared {n} times, the last time without an error message"
)


class RacedError(Exception):
    """Another process has dealt with the trial meanwhile; the transaction must be rolled back."""


def expired(connection: Connection, study_id: int, orphan_seconds: float) -> tuple[list[Expired], bool]:
    """Return the trials whose lease is over, and those that run without one for longer than `orphan_seconds`.

    Returned with them is whether there are leases for `drop_ended`.
    """
    rows = connection.execute(_LOOK, {"study": study_id, "orphan_seconds": orphan_seconds}).all()
    found = [Expired(*row[1:]) for row in rows if row.runs]
    return sorted(found, key=lambda each: each.number), len(found) < len(rows)


def count_expired(connection: Connection, study_id: int, orphan_seconds: float) -> int:
    """Count what `expired` returns."""
    query = _expired(literal(orphan_seconds), func.count()).where(trials.c.study_id == study_id)
    return int(connection.execute(query).scalar_one())


def _expired(orphan_seconds: ColumnElement[float], *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(trials.outerjoin(leases, leases.c.trial_id == trials.c.trial_id))
        .where(
            trials.c.state == RUNNING, or_(_is_late(), leases.c.token.is_(None) & _is_orphan(orphan_seconds))
        )
    )


def _is_late() -> ColumnElement[bool]:
    return leases.c.token.is_not(None) & is_older(leases.c.renewed_at, leases.c.ttl_seconds)


def _is_orphan(orphan_seconds: ColumnElement[float]) -> ColumnElement[bool]:
    started = func.coalesce(seconds_of(trials.c.datetime_start), 0.0)
    return started + orphan_seconds < now()


def reclaim(connection: Connection, found: Expired, max_interruptions: int) -> Released:
    """Take a trial from the worker that is gone.

    Raises:
        RacedError: It is not gone, or another process has done this.
    """
    if found.token is None:
        interruptions = _adopt(connection, found)
    else:
        let_go = (
            update(leases)
            .where(leases.c.trial_id == found.trial_id, leases.c.token == found.token, _is_late())
            .values(token=None, interruptions=leases.c.interruptions + 1)
            .returning(leases.c.interruptions)
        )
        interruptions = connection.execute(let_go).scalar_one_or_none()
    if interruptions is None:
        raise RacedError
    released = _release(connection, found, interruptions, max_interruptions, _VANISHED)
    if released is None:
        raise RacedError
    return released


def _adopt(connection: Connection, found: Expired) -> int | None:
    """Give a trial that runs without a lease one that nobody holds; return its interruptions."""
    new = insert_into(connection, leases).values(
        trial_id=found.trial_id,
        study_id=found.study_id,
        worker="",
        interruptions=1,
        renewed_at=lease_now(),
        ttl_seconds=0.0,
    )
    once_more = new.on_conflict_do_update(
        index_elements=[leases.c.trial_id],
        set_={"interruptions": leases.c.interruptions + 1},
        where=leases.c.token.is_(None),
    )
    return connection.execute(once_more.returning(leases.c.interruptions)).scalar_one_or_none()


def interrupt(connection: Connection, lease: Lease, failure: Failure, max_interruptions: int) -> Released:
    """Give back a trial that cost its training process its life.

    Raises:
        LeaseLostError: The lease is over; the transaction must be rolled back.
    """
    let_go = (
        update(leases)
        .where(leases.c.trial_id == lease.trial_id, leases.c.token == lease.token)
        .values(token=None, interruptions=leases.c.interruptions + 1)
        .returning(leases.c.interruptions)
    )
    interruptions = connection.execute(let_go).scalar_one_or_none()
    released = None
    if interruptions is not None:
        released = _release(connection, lease, interruptions, max_interruptions, failure)
    if released is None:
        raise lost(lease)
    return released


def _release(
    connection: Connection, trial: Expired | Lease, interruptions: int, most: int, failure: Failure
) -> Released | None:
    """Put a trial back, or end it; None if it does not run. The transaction holds its lease row."""
    if interruptions < most:
        if not set_state(connection, trial.trial_id, WAITING):
            return None
        return Released(trial.number, "waiting", interruptions)
    if not set_state(connection, trial.trial_id, FAIL):
        return None
    reason = failure.reason.replace("{n}", str(interruptions))
    set_attributes(connection, trial.trial_id, {FAILURE: failure.kind, REASON: reason})
    _drop(connection, leases.c.trial_id == trial.trial_id)
    return Released(trial.number, "failed", interruptions)


def is_reclaimed(connection: Connection, found: Expired) -> bool:
    """Whether a trial is no longer held by the one who was gone."""
    held = exists().where(trials.c.trial_id == found.trial_id, trials.c.state == RUNNING)
    if found.token is not None:
        held = held.where(leases.c.trial_id == trials.c.trial_id, leases.c.token == found.token)
    return not connection.scalar(select(held))


def drop_ended(connection: Connection, study_id: int) -> None:
    """Drop the leases of trials that were ended by others than their holders."""
    _drop(connection, _is_of_ended_trial(study_id))


def _is_of_ended_trial(study_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    ended = trials.c.state.in_((COMPLETE, PRUNED, FAIL))
    return (leases.c.study_id == study_id) & leases.c.trial_id.in_(
        select(trials.c.trial_id).where(trials.c.study_id == study_id, ended)
    )


def checkpoints_of_ended_trials(connection: Connection, study_id: int) -> list[str]:
    """Return the checkpoints that `drop_ended` would leave over."""
    artifact = leases.c.checkpoint_artifact
    query = select(artifact).where(_is_of_ended_trial(study_id), artifact.is_not(None))
    return list(connection.scalars(query))


def _drop(connection: Connection, which: ColumnElement[bool]) -> None:
    gone = delete(leases).where(which).returning(leases.c.study_id, leases.c.checkpoint_artifact)
    for row in connection.execute(gone).all():
        leave_over(connection, row.study_id, row.checkpoint_artifact)


def left_over(connection: Connection, study_id: int) -> list[str]:
    """Return the artifacts that nobody needs any more."""
    return list(connection.scalars(select(leftovers.c.artifact_id).where(leftovers.c.study_id == study_id)))


def forget(connection: Connection, artifact_ids: Sequence[str]) -> None:
    """Note that artifacts that nobody needed are removed."""
    connection.execute(delete(leftovers).where(leftovers.c.artifact_id.in_(artifact_ids)))


_STUDY = bindparam("study", type_=Integer)
_WHICH = trials.c.trial_id, trials.c.study_id, trials.c.number, leases.c.token
_LOOK = union_all(
    _expired(bindparam("orphan_seconds", type_=Float), literal(True).label("runs"), *_WHICH).where(
        trials.c.study_id == _STUDY
    ),
    select(literal(False).label("runs"), *_WHICH)
    .join_from(leases, trials, trials.c.trial_id == leases.c.trial_id)
    .where(_is_of_ended_trial(_STUDY)),
)
