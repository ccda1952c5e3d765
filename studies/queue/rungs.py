"""The rungs that trials have reached, where a scheduler pauses them; who goes on is said by `promotion`.

A paused trial is WAITING in Optuna's tables, with its parameters and the values that it reported, and its
lease keeps its checkpoint: it is exactly like one that was handed back. Every reader takes a WAITING trial
for one that will be run, and that is what it is. PRUNED and COMPLETE are final: Optuna's caches, its
dashboard's and ours never read such a trial again. RUNNING would be a lie, and heartbeats would fail it. What
makes it paused is the row of its rung alone, from where it does not go on yet.

Each function is one step of a transaction that the caller holds; on SQLite it holds the write lock. On
PostgreSQL the study's row is the lock, without being in the way of foreign keys to it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select, update

from studyhall.studies.database import study_rows
from studyhall.studies.database.dialects import insert_into, now, utc_now
from studyhall.studies.database.optuna_tables import FAIL, RUNNING, WAITING, trials
from studyhall.studies.database.studyhall_tables import rungs
from studyhall.studies.queue import leasing, withdrawal
from studyhall.studies.queue.lease import Lease
from studyhall.studies.queue.promotion import Reached, Rule, next_up


def reach(connection: Connection, lease: Lease, rung: int, value: float, rule: Rule) -> bool:
    """Note that a trial has reached a rung; return whether it goes on from there at once.

    It does where it is the one that would go on next, and where it is good enough to end the study: then
    there is nothing to pause for. Asked again, the rung is noted once; a trial that was let go on still is.

    Args:
        connection: The transaction.
        lease: The lease on the trial, whose checkpoint is at the rung.
        rung: The index of the rung.
        value: The best that the trial has reported.
        rule: The study's.

    Raises:
        LeaseLostError: The lease is over.
    """
    leasing.require(connection, lease)
    study_rows.lock(connection, lease.study_id)
    key = {"trial_id": lease.trial_id, "rung": rung}
    known = value if value == value else None  # noqa: PLR0124 - NaN is not
    row = {**key, "study_id": lease.study_id, "value": known, "goes_on": False, "reached_at": now()}
    connection.execute(insert_into(connection, rungs).values(row).on_conflict_do_nothing())
    below = rungs.c.trial_id == lease.trial_id, rungs.c.rung < rung
    connection.execute(update(rungs).where(*below, ~rungs.c.goes_on).values(goes_on=True))
    reached = read(connection, lease.study_id)
    own = next(each for each in reached if (each.trial_id, each.rung) == (lease.trial_id, rung))
    if own.goes_on:
        return True
    paused = replace(own, waits=True)
    rivals = [paused if each is own else each for each in reached]
    fresh = any_unpaused(connection, lease.study_id)
    goes_on = rule.is_good_enough(known) or next_up(rivals, rule, fresh=fresh) is paused
    if goes_on:
        _let_go_on(connection, own)
    return goes_on


def read(connection: Connection, study_id: int) -> Sequence[Reached]:
    """Return the rungs that the study's trials have reached, but for failed trials."""
    query = (
        select(
            rungs.c.trial_id,
            trials.c.number,
            rungs.c.rung,
            rungs.c.value,
            rungs.c.goes_on,
            trials.c.state == WAITING,
        )
        .join(trials, trials.c.trial_id == rungs.c.trial_id)
        .where(rungs.c.study_id == study_id, trials.c.state != FAIL)
    )
    return [Reached(*row) for row in connection.execute(query)]


def take(connection: Connection, up: Reached) -> Row[Any] | None:
    """Take a paused trial out of the queue, to go on; None where another transaction holds it."""
    taken = connection.execute(
        update(trials)
        .where(trials.c.trial_id == up.trial_id, trials.c.state == WAITING)
        .values(state=RUNNING, datetime_start=utc_now())
        .returning(trials.c.trial_id, trials.c.study_id, trials.c.number)
    ).first()
    if taken is not None:
        _let_go_on(connection, up)
    return taken


def _let_go_on(connection: Connection, reached: Reached) -> None:
    here = rungs.c.trial_id == reached.trial_id, rungs.c.rung == reached.rung
    connection.execute(update(rungs).where(*here).values(goes_on=True))


def any_unpaused(connection: Connection, study_id: int, *, asked_only: bool = False) -> bool:
    """Whether a trial waits that is not paused, and can simply be taken.

    Args:
        connection: The transaction.
        study_id: The study.
        asked_only: Whether no trial is wanted whose values a sampler would have to propose.
    """
    waiting = exists().where(trials.c.study_id == study_id, trials.c.state == WAITING)
    waiting = waiting.where(~is_paused(trials.c.trial_id))
    if asked_only:
        waiting = waiting.where(withdrawal.is_asked(trials.c.trial_id))
    return bool(connection.scalar(select(waiting)))


def count_paused(connection: Connection, study_id: int) -> int:
    """Count the study's trials that are paused."""
    waiting = trials.c.study_id == study_id, trials.c.state == WAITING
    query = select(func.count()).select_from(trials).where(*waiting, is_paused(trials.c.trial_id))
    return int(connection.execute(query).scalar_one())


def is_paused(trial_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a trial, which waits, is paused at a rung."""
    return exists().where(rungs.c.trial_id == trial_id, ~rungs.c.goes_on)
