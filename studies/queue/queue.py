"""The queue of a study: its WAITING trials, which are its budget.

Each function is one step of a transaction that the caller holds.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, Row, bindparam, exists, func, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import START, STARTED
from studyhall.studies.database.dialects import utc_now
from studyhall.studies.database.optuna_tables import (
    RUNNING,
    WAITING,
    studies,
    trial_params,
    trial_system_attributes,
    trials,
)
from studyhall.studies.json_text import to_json
from studyhall.studies.queue import flags, leasing, rungs, withdrawal
from studyhall.studies.queue.lease import Lease
from studyhall.studies.queue.promotion import Rule, next_up

Start = Mapping[str, Any]
"""Where a trial's hyperparameters come from before a sampler is asked.

{"defaults": True}, {"values": {name: value}}, or {} for a trial that is the sampler's.
"""


@dataclass(frozen=True)
class Added:
    """A trial that was put at the end of the queue."""

    trial_id: int
    number: int


def append(connection: Connection, study_id: int, starts: Sequence[Start]) -> list[Added]:
    """Put a trial for each start at the end of the queue."""
    return _append(connection, study_id, starts, first=_locked_total(connection, study_id))


def are_there(connection: Connection, added: Sequence[Added]) -> bool:
    """Whether trials that were once added are in the database."""
    found = exists().where(trials.c.trial_id.in_([each.trial_id for each in added]))
    return bool(connection.scalar(select(found)))


def fill(connection: Connection, study_id: int, total: int) -> list[Added]:
    """Put as many trials at the end of the queue as the study lacks of `total`."""
    held = _locked_total(connection, study_id)
    lacking = total - held + withdrawal.count_ended(connection, study_id)
    return _append(connection, study_id, [{}] * lacking, first=held)


def push_in(connection: Connection, study_id: int, start: Start) -> tuple[int, Added]:
    """Add one trial to the queue and have `start` tried next.

    Returns the number of the trial that will try it, and the one that was added.

    The first trial in the queue that has neither values asked for nor parameters yet tries it; the new one
    takes its place at the end.
    """
    queued = trials.c
    free = (
        select(queued.trial_id, queued.number)
        .where(queued.study_id == study_id, queued.state == WAITING)
        .where(~exists().where(trial_params.c.trial_id == queued.trial_id))
        .where(
            ~exists().where(
                trial_system_attributes.c.trial_id == queued.trial_id, trial_system_attributes.c.key == START
            )
        )
        .order_by(queued.number)
        .limit(1)
        .with_for_update(skip_locked=True, of=trials)
    )
    found = connection.execute(free).first()
    if found is None:
        (added,) = append(connection, study_id, [start])
        return added.number, added
    (added,) = append(connection, study_id, [{}])
    _set_start(connection, found.trial_id, start)
    return int(found.number), added


def claim(
    connection: Connection,
    study_id: int,
    token: str,
    worker: str,
    ttl_seconds: float,
    *,
    has_started: bool = False,
    asked_only: bool = False,
    rule: Rule | None = None,
) -> Lease | None:
    """Take the first trial out of the queue: WAITING becomes RUNNING, for the holder of a new lease alone.

    None says that no trial can be taken now: workers are asked to leave, or, on PostgreSQL, others may be
    taking the last ones, so see `is_over`. `has_started` says that the study is known to have had a first
    claim, `asked_only` that no trial is wanted whose values a sampler would have to propose, `rule` how
    trials pause: then a paused one that may go on comes first.
    """
    if rule is None:
        taken = connection.execute(_take_first(asked_only), {"study": study_id}).first()
    else:
        taken = _take_promising(connection, study_id, rule, asked_only)
    if taken is None:
        return None
    if not has_started:
        flags.note_time(connection, study_id, STARTED)
    return leasing.take(connection, taken, token, worker, ttl_seconds)


def _take_promising(connection: Connection, study_id: int, rule: Rule, asked_only: bool) -> Row[Any] | None:
    study_rows.lock(connection, study_id)
    if flags.is_requested(connection, study_id):
        return None
    reached = rungs.read(connection, study_id)
    if (up := next_up(reached, rule, fresh=True)) is not None:
        return rungs.take(connection, up)
    taken = connection.execute(_take_first(asked_only, but_paused=True), {"study": study_id}).first()
    if taken is None and (up := next_up(reached, rule, fresh=False)) is not None:
        return rungs.take(connection, up)
    return taken


@functools.cache
def _take_first(asked_only: bool, *, but_paused: bool = False) -> ReturningUpdate[Any]:
    study, queued = bindparam("study", type_=Integer), trials.alias()
    wanted = [withdrawal.is_asked(queued.c.trial_id)] if asked_only else []
    if but_paused:
        wanted.append(~rungs.is_paused(queued.c.trial_id))
    first = (
        select(queued.c.trial_id)
        .where(queued.c.study_id == study, queued.c.state == WAITING, ~flags.requested(study), *wanted)
        .order_by(queued.c.number)
        .limit(1)
        .with_for_update(skip_locked=True, of=queued)
        .scalar_subquery()
    )
    return (
        update(trials)
        .where(trials.c.trial_id == first)
        .values(state=RUNNING, datetime_start=utc_now())
        .returning(trials.c.trial_id, trials.c.study_id, trials.c.number)
    )


def is_over(
    connection: Connection, study_id: int, *, asked_only: bool = False, rule: Rule | None = None
) -> bool:
    """Whether no trial can be claimed: workers are asked to leave, or none waits that may be trained.

    A paused one may not where the `rule` says so.
    """
    waits = rungs.any_unpaused(connection, study_id, asked_only=asked_only) or (
        rule is not None and next_up(rungs.read(connection, study_id), rule, fresh=False) is not None
    )
    return not waits or flags.is_requested(connection, study_id)


def _set_start(connection: Connection, trial_id: int, start: Start) -> None:
    row = {"trial_id": trial_id, "key": START, "value_json": to_json(start)}
    connection.execute(insert(trial_system_attributes).values(row))


def _locked_total(connection: Connection, study_id: int) -> int:
    # The lock under which Optuna numbers trials too; on SQLite the transaction is the lock.
    connection.execute(select(studies.c.study_id).where(studies.c.study_id == study_id).with_for_update())
    count = select(func.count()).select_from(trials).where(trials.c.study_id == study_id)
    return connection.execute(count).scalar_one()


def _append(connection: Connection, study_id: int, starts: Sequence[Start], first: int) -> list[Added]:
    if not starts:
        return []
    withdrawal.forget(connection, study_id)  # those who ask for more expect more
    numbers = range(first, first + len(starts))
    identities = connection.scalars(
        insert(trials).returning(trials.c.trial_id, sort_by_parameter_order=True),
        [{"study_id": study_id, "number": number, "state": WAITING} for number in numbers],
    ).all()
    for trial_id, start in zip(identities, starts, strict=True):
        if start:
            _set_start(connection, trial_id, start)
    return [Added(trial_id, number) for trial_id, number in zip(identities, numbers, strict=True)]
