"""The trials of a study that have ended, as points in time: what curves and estimates are made of."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from studyhall.studies.database.optuna_tables import COMPLETE, FAIL, PRUNED, number_of, trial_values, trials
from studyhall.studies.queue import withdrawal


@dataclass(frozen=True, slots=True)
class FinishedTrial:
    """A trial that will not run again.

    `value` is that of the first objective: for a pruned trial the best that it reached, None for a failed
    one. `started` is the last time that a worker took it. Times are in UTC and know it.
    """

    number: int
    state: str  # COMPLETE, PRUNED or FAIL
    value: float | None
    started: datetime | None
    ended: datetime | None

    @property
    def seconds(self) -> float | None:
        """How long it ran since a worker last took it; None where nobody wrote that down."""
        if self.started is None or self.ended is None:
            return None
        return max(0.0, (self.ended - self.started).total_seconds())


def finished(connection: Connection, study_id: int) -> list[FinishedTrial]:
    """Return the trials of a study that have ended, in the order in which they ended; by one SELECT."""
    c = trials.c
    first = (trial_values.c.trial_id == c.trial_id) & (trial_values.c.objective == 0)
    query = (
        select(
            c.number,
            c.state,
            trial_values.c.value,
            trial_values.c.value_type,
            c.datetime_start,
            c.datetime_complete,
        )
        .select_from(trials.outerjoin(trial_values, first))
        .where(c.study_id == study_id, c.state.in_((COMPLETE, PRUNED, FAIL)))
        .where(~withdrawal.is_ended(c.trial_id))
        .order_by(c.datetime_complete, c.number)
    )
    return [
        FinishedTrial(
            number, state, None if kind is None else number_of(value, kind), _utc(started), _utc(ended)
        )
        for number, state, value, kind, started, ended in connection.execute(query)
    ]


def improvements(trials: Sequence[FinishedTrial], direction: str) -> Iterator[FinishedTrial]:
    """Yield the complete trials that were the best so far when they ended, in the order in which they ended.

    Args:
        trials: In the order in which they ended.
        direction: "minimize" or "maximize".
    """
    sign = -1.0 if direction == "maximize" else 1.0
    best = math.inf
    for trial in trials:
        if trial.state == COMPLETE and trial.value is not None and sign * trial.value < best:
            best = sign * trial.value
            yield trial


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)
