"""The rungs of a study whose trials pause, for people."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from studyhall.studies.database.optuna_tables import FAIL, WAITING, trials
from studyhall.studies.database.studyhall_tables import rungs
from studyhall.studies.status.goals import schedule_of
from studyhall.studies.status.summary import RungCounts


def count_rungs(connection: Connection, study_id: int, definition: Any) -> list[RungCounts]:
    """Return the rungs that trials have reached, failed ones not counted; none where trials do not pause.

    Args:
        connection: The transaction.
        study_id: The study.
        definition: Its record, as far as there is one.
    """
    schedule = schedule_of(definition)
    if schedule is None:
        return []
    paused = and_(trials.c.state == WAITING, ~rungs.c.goes_on)
    query = (
        select(rungs.c.rung, func.count(), func.sum(case((paused, 1), else_=0)))
        .join(trials, trials.c.trial_id == rungs.c.trial_id)
        .where(rungs.c.study_id == study_id, trials.c.state != FAIL)
        .group_by(rungs.c.rung)
        .order_by(rungs.c.rung)
    )
    first, factor = schedule
    return [
        RungCounts(first * factor**rung, reached, int(waiting))
        for rung, reached, waiting in connection.execute(query)
    ]


def paused_in_words(rungs: Sequence[RungCounts]) -> str:
    """Say how many trials are paused at which rung; "" where none is."""
    return ", ".join(
        f"{each.paused:,} after {each.epochs:,} epoch{'s' if each.epochs > 1 else ''}"
        for each in rungs
        if each.paused
    )
