"""The end of a trial that the study's pruner gave up on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from studyhall.studies.database import study_rows
from studyhall.studies.database.optuna_tables import (
    COMPLETE,
    INF_NEG,
    INF_POS,
    PRUNED,
    trial_values,
    trials,
)
from studyhall.studies.queue import leasing
from studyhall.studies.queue.lease import Lease


@dataclass(frozen=True)
class EndedByPruner:
    """How a trial ended that the pruner gave up on.

    `values` are its result, one for each objective: those of its best epoch, none where it never reported
    any. `complete` says whether it counts as complete, because no complete trial of the study was as good.
    `epoch` is the last that it reported, None if there is none.
    """

    complete: bool
    values: tuple[float, ...]
    epoch: int | None


@dataclass(frozen=True)
class Ending:
    """What was written: one of Optuna's states, and when the trial ended, in UTC and without a zone."""

    state: str
    at: datetime


def end(
    connection: Connection, lease: Lease, values: Sequence[float], attributes: Mapping[str, Any]
) -> Ending:
    """End a trial that the pruner gave up on, and the lease with it.

    It is complete where no complete trial of the study is as good: who asks for a study's best trial,
    Optuna and optuna-dashboard included, looks at the complete ones alone, and would lose the best result. Of
    two trials that end at the same moment, neither sees the other, and both may be complete.

    Args:
        connection: The transaction.
        lease: The lease.
        values: The trial's result, one value for each objective; empty if it has none.
        attributes: User attributes that it is given.

    Raises:
        LeaseLostError: The lease is over.
    """
    is_best = bool(values) and not is_matched(connection, lease.study_id, values)
    state = COMPLETE if is_best else PRUNED
    return Ending(state, leasing.end(connection, lease, state, values, attributes))


def is_matched(connection: Connection, study_id: int, values: Sequence[float]) -> bool:
    """Whether a complete trial of the study is at least as good in every objective."""
    directions = study_rows.directions(connection, study_id)
    number, kind = trial_values.c.value, trial_values.c.value_type
    as_good = [
        and_(
            trial_values.c.objective == objective,
            or_(kind == INF_POS, number >= value)
            if direction == "maximize"
            else or_(kind == INF_NEG, number <= value),
        )
        for objective, (direction, value) in enumerate(zip(directions, values, strict=True))
    ]
    query = (
        select(trials.c.trial_id)
        .join(trial_values, trial_values.c.trial_id == trials.c.trial_id)
        .where(trials.c.study_id == study_id, trials.c.state == COMPLETE, or_(*as_good))
        .group_by(trials.c.trial_id)
        .having(func.count() == len(values))
        .limit(1)
    )
    return connection.execute(query).first() is not None
