"""The queue of a study: its WAITING trials, which are its budget.

Each function is one step of a transaction that the caller holds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, update

from studyhall.studies.attributes import START
from studyhall.studies.tables import RUNNING, WAITING, studies, trial_params, trial_system_attributes, trials

Start = Mapping[str, Any]
"""Where a trial's hyperparameters come from before a sampler is asked.

{"defaults": True}, {"values": {name: value}}, or {} for a trial that is the sampler's.
"""


@dataclass(frozen=True)
class Claim:
    """A trial that was taken out of the queue."""

    trial_id: int
    number: int


def append(connection: Connection, study_id: int, starts: Sequence[Start]) -> list[int]:
    """Put a trial for each start at the end of the queue; return their numbers."""
    return _append(connection, study_id, starts, first=_locked_total(connection, study_id))


def fill(connection: Connection, study_id: int, total: int) -> list[int]:
    """Put as many trials at the end of the queue as the study lacks of `total`; return their numbers."""
    held = _locked_total(connection, study_id)
    return _append(connection, study_id, [{}] * (total - held), first=held)


def push_in(connection: Connection, study_id: int, start: Start) -> int:
    """Add one trial to the queue and have `start` tried next; return the number of the trial that will.

    That is the first trial in the queue of which nothing was asked and nothing is known yet; the new one
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
        return append(connection, study_id, [start])[0]
    append(connection, study_id, [{}])
    _set_start(connection, found.trial_id, start)
    return int(found.number)


def claim(connection: Connection, study_id: int) -> Claim | None:
    """Take the first trial out of the queue: WAITING becomes RUNNING, for one caller alone.

    None says that no trial can be taken now: on PostgreSQL, others may be taking the last ones, so see
    `is_empty`.
    """
    queued = trials.alias()
    first = (
        select(queued.c.trial_id)
        .where(queued.c.study_id == study_id, queued.c.state == WAITING)
        .order_by(queued.c.number)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    now = datetime.now(UTC).replace(tzinfo=None)  # as Optuna stores it
    taken = connection.execute(
        update(trials)
        .where(trials.c.trial_id == first)
        .values(state=RUNNING, datetime_start=now)
        .returning(trials.c.trial_id, trials.c.number)
    ).first()
    return None if taken is None else Claim(taken.trial_id, taken.number)


def is_empty(connection: Connection, study_id: int) -> bool:
    """Whether no trial is waiting, nor being taken by somebody who may yet fail to."""
    waiting = (
        select(trials.c.trial_id).where(trials.c.study_id == study_id, trials.c.state == WAITING).limit(1)
    )
    return connection.execute(waiting).first() is None


def hand_back(connection: Connection, trial_id: int) -> bool:
    """Put a trial back where it was in the queue, with what is known of it; False if it was not running."""
    returned = update(trials).where(trials.c.trial_id == trial_id, trials.c.state == RUNNING)
    return connection.execute(returned.values(state=WAITING)).rowcount == 1


def _set_start(connection: Connection, trial_id: int, start: Start) -> None:
    row = {"trial_id": trial_id, "key": START, "value_json": json.dumps(dict(start))}
    connection.execute(insert(trial_system_attributes).values(row))


def _locked_total(connection: Connection, study_id: int) -> int:
    # The lock under which Optuna numbers trials too; on SQLite the transaction is the lock.
    connection.execute(select(studies.c.study_id).where(studies.c.study_id == study_id).with_for_update())
    count = select(func.count()).select_from(trials).where(trials.c.study_id == study_id)
    return connection.execute(count).scalar_one()


def _append(connection: Connection, study_id: int, starts: Sequence[Start], first: int) -> list[int]:
    if not starts:
        return []
    numbers = range(first, first + len(starts))
    identities = connection.scalars(
        insert(trials).returning(trials.c.trial_id, sort_by_parameter_order=True),
        [{"study_id": study_id, "number": number, "state": WAITING} for number in numbers],
    ).all()
    for trial_id, start in zip(identities, starts, strict=True):
        if start:
            _set_start(connection, trial_id, start)
    return list(numbers)
