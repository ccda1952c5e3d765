"""The trials of a study that are being trained: who has them, and how far they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from studyhall.studies.database.attributes import HYPERPARAMETERS
from studyhall.studies.database.dialects import lease_now, now, seconds_of
from studyhall.studies.database.optuna_tables import (
    RUNNING,
    trial_intermediate_values,
    trial_user_attributes,
    trials,
)
from studyhall.studies.database.studyhall_tables import leases, workers
from studyhall.studies.status.queries import shown_values
from studyhall.studies.values import Value


@dataclass(frozen=True)
class RunningTrial:
    """A trial that a worker has; times are in seconds until now, by the database's clock."""

    number: int
    seconds: float  # since a worker took it, the last time if several did
    worker: str | None
    device: str | None
    silent_seconds: float | None  # since its worker last gave a sign of life
    interruptions: int  # how often it has lost its worker
    epoch: int  # how many epochs it has reported; 0 before the first
    value: float | None  # the last that it reported
    best_value: float | None  # of those that it reported
    images_per_second: float | None
    hyperparameters: Mapping[str, Value]  # empty until they are drawn


def running(
    connection: Connection, study_id: int, direction: str, *, leased: bool = True
) -> list[RunningTrial]:
    """Return the trials of a study that run, in the order of their numbers.

    Args:
        connection: The transaction.
        study_id: The study.
        direction: "minimize" or "maximize".
        leased: Whether the database has the tables of leases and workers; older ones get them when they are
            worked on.
    """
    found = {row.trial_id: row for row in connection.execute(_running(study_id, leased))}
    if not found:
        return []
    reported = {row.trial_id: row for row in connection.execute(_reported(list(found), direction))}
    result = []
    for trial_id, row in sorted(found.items(), key=lambda item: item[1].number):
        progress = reported.get(trial_id)
        result.append(
            RunningTrial(
                number=row.number,
                seconds=max(0.0, row.seconds or 0.0),
                worker=row.worker if leased else None,
                device=row.device if leased else None,
                silent_seconds=row.silent if leased else None,
                interruptions=(row.interruptions or 0) if leased else 0,
                epoch=progress.epochs if progress else 0,
                value=progress.last if progress else None,
                best_value=progress.best if progress else None,
                images_per_second=row.images_per_second if leased else None,
                hyperparameters=shown_values(row.value_json),
            )
        )
    return result


def _running(study_id: int, leased: bool) -> Select[Any]:
    c, shown = trials.c, trial_user_attributes
    of_trial = (shown.c.trial_id == c.trial_id) & (shown.c.key == HYPERPARAMETERS)
    columns: list[Any] = [
        c.trial_id,
        c.number,
        (now() - seconds_of(c.datetime_start)).label("seconds"),
        shown.c.value_json,
    ]
    source = trials.outerjoin(shown, of_trial)
    if leased:
        holder = (leases.c.trial_id == c.trial_id) & leases.c.token.is_not(None)
        source = source.outerjoin(leases, holder).outerjoin(workers, workers.c.worker == leases.c.worker)
        mine = case((workers.c.trial == c.number, workers.c.images_per_second)).label("images_per_second")
        columns += [leases.c.worker, workers.c.device, leases.c.interruptions, mine]
        columns.append((lease_now() - leases.c.renewed_at).label("silent"))
    return select(*columns).select_from(source).where(c.study_id == study_id, c.state == RUNNING)


def _reported(trial_ids: list[int], direction: str) -> Select[Any]:
    table = trial_intermediate_values
    best = (func.max if direction == "maximize" else func.min)(table.c.intermediate_value).label("best")
    summary = (
        select(table.c.trial_id, func.max(table.c.step).label("step"), func.count().label("epochs"), best)
        .where(table.c.trial_id.in_(trial_ids))
        .group_by(table.c.trial_id)
        .subquery()
    )
    latest = (table.c.trial_id == summary.c.trial_id) & (table.c.step == summary.c.step)
    return select(
        summary.c.trial_id, summary.c.epochs, summary.c.best, table.c.intermediate_value.label("last")
    ).join_from(summary, table, latest)
