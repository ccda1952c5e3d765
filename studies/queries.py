"""Questions about studies, each answered by one SELECT and without Optuna."""

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, case, func, select

from studyhall.studies.attributes import FAILURE, HYPERPARAMETERS
from studyhall.studies.entry import Best, Counts
from studyhall.studies.tables import (
    COMPLETE,
    FAIL,
    PRUNED,
    RUNNING,
    WAITING,
    studies,
    study_directions,
    study_user_attributes,
    trial_user_attributes,
    trial_values,
    trials,
)

_INFINITE = {"INF_NEG": -math.inf, "INF_POS": math.inf}  # Optuna stores their type, and no value


def study_names(connection: Connection) -> list[str]:
    """Return the names of all studies, oldest first."""
    return list(connection.scalars(select(studies.c.study_name).order_by(studies.c.study_id)))


def study_id(connection: Connection, name: str) -> int | None:
    """Return a study's id; None if there is no such study."""
    return connection.scalar(select(studies.c.study_id).where(studies.c.study_name == name))


def direction(connection: Connection, study_id: int) -> str:
    """Return "minimize" or "maximize", for a study's first objective."""
    first = study_directions.c.study_id == study_id, study_directions.c.objective == 0
    return str(connection.execute(select(study_directions.c.direction).where(*first)).scalar_one()).lower()


def attributes(connection: Connection, study_id: int, keys: Iterable[str]) -> dict[str, Any]:
    """Return those of a study's user attributes that it has."""
    table = study_user_attributes
    query = select(table.c.key, table.c.value_json).where(
        table.c.study_id == study_id, table.c.key.in_(list(keys))
    )
    return {key: json.loads(value) for key, value in connection.execute(query)}


def counts(connection: Connection, study_id: int) -> Counts:
    """Count a study's trials by their state."""
    query = select(trials.c.state, func.count()).where(trials.c.study_id == study_id).group_by(trials.c.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return Counts(*(found.get(state, 0) for state in (WAITING, RUNNING, COMPLETE, PRUNED, FAIL)))


def last_activity(connection: Connection, study_id: int) -> datetime | None:
    """Return when a trial of the study last started or ended."""
    query = select(func.max(trials.c.datetime_start), func.max(trials.c.datetime_complete))
    times = connection.execute(query.where(trials.c.study_id == study_id)).one()
    return max((time.replace(tzinfo=UTC) for time in times if time is not None), default=None)


def best(connection: Connection, study_id: int, direction: str) -> Best | None:
    """Return a study's best complete trial."""
    kind = trial_values.c.value_type
    rank = case((kind == "INF_NEG", -1), (kind == "INF_POS", 1), else_=0)
    first = [rank.asc(), trial_values.c.value.asc()]
    if direction == "maximize":
        first = [rank.desc(), trial_values.c.value.desc()]
    shown = (trial_user_attributes.c.trial_id == trials.c.trial_id) & (
        trial_user_attributes.c.key == HYPERPARAMETERS
    )
    query = (
        select(trials.c.number, trial_values.c.value, kind, trial_user_attributes.c.value_json)
        .join(trial_values, trial_values.c.trial_id == trials.c.trial_id)
        .outerjoin(trial_user_attributes, shown)
        .where(trials.c.study_id == study_id, trials.c.state == COMPLETE, trial_values.c.objective == 0)
        .order_by(*first, trials.c.number)
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Best(row.number, _INFINITE.get(row.value_type, row.value), json.loads(row.value_json or "{}"))


def failures(connection: Connection, study_id: int) -> dict[str, int]:
    """Count a study's failed trials by the kind of their failure."""
    kind = trial_user_attributes.c.value_json
    query = (
        select(kind, func.count())
        .join(trials, trials.c.trial_id == trial_user_attributes.c.trial_id)
        .where(trials.c.study_id == study_id, trials.c.state == FAIL, trial_user_attributes.c.key == FAILURE)
        .group_by(kind)
        .order_by(func.count().desc(), kind)
    )
    return {json.loads(row[0]): row[1] for row in connection.execute(query)}
