"""Questions about studies, each answered by one SELECT and without Optuna."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, case, func, select

from studyhall.studies.database.attributes import FAILURE, HYPERPARAMETERS, PRUNED_AFTER, STARTED
from studyhall.studies.database.dialects import now
from studyhall.studies.database.optuna_tables import (
    COMPLETE,
    FAIL,
    INF_NEG,
    INF_POS,
    PRUNED,
    RUNNING,
    WAITING,
    number_of,
    study_user_attributes,
    trial_user_attributes,
    trial_values,
    trials,
)
from studyhall.studies.queue import epoch_budget, rungs, withdrawal
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.status.summary import BestTrial, Counts, FrontTrial, Spent
from studyhall.studies.values import Value


def counts(connection: Connection, study_id: int, *, pauses: bool = False) -> Counts:
    """Count a study's trials by their state; those that were withdrawn count nowhere.

    Args:
        connection: The transaction.
        study_id: The study.
        pauses: Whether its trials pause.
    """
    query = select(trials.c.state, func.count()).where(trials.c.study_id == study_id).group_by(trials.c.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    if found.get(FAIL, 0):
        found[FAIL] -= withdrawal.count_ended(connection, study_id)
    by_state = (found.get(state, 0) for state in (WAITING, RUNNING, COMPLETE, PRUNED, FAIL))
    counted = Counts(*by_state)
    return replace(counted, paused=rungs.count_paused(connection, study_id)) if pauses else counted


def last_activity(connection: Connection, study_id: int) -> datetime | None:
    """Return when a trial of the study last started or ended."""
    query = select(func.max(trials.c.datetime_start), func.max(trials.c.datetime_complete))
    times = connection.execute(query.where(trials.c.study_id == study_id)).one()
    return max((time.replace(tzinfo=UTC) for time in times if time is not None), default=None)


def best(connection: Connection, study_id: int, direction: str) -> BestTrial | None:
    """Return a study's best complete trial."""
    row = connection.execute(_best(direction), {"study": study_id}).first()
    if row is None:
        return None
    pruned_after = None if row.pruned_after is None else json.loads(row.pruned_after)
    return BestTrial(
        row.number, number_of(row.value, row.value_type), shown_values(row.value_json), pruned_after
    )


@functools.cache
def _best(direction: str) -> Select[Any]:
    kind = trial_values.c.value_type
    rank = case((kind == INF_NEG, -1), (kind == INF_POS, 1), else_=0)
    first = [rank.asc(), trial_values.c.value.asc()]
    if direction == "maximize":
        first = [rank.desc(), trial_values.c.value.desc()]
    shown = (trial_user_attributes.c.trial_id == trials.c.trial_id) & (
        trial_user_attributes.c.key == HYPERPARAMETERS
    )
    ending = trial_user_attributes.alias()
    pruned = (ending.c.trial_id == trials.c.trial_id) & (ending.c.key == PRUNED_AFTER)
    of_study = trials.c.study_id == bindparam("study", type_=Integer)
    return (
        select(
            trials.c.number,
            trial_values.c.value,
            kind,
            trial_user_attributes.c.value_json,
            ending.c.value_json.label("pruned_after"),
        )
        .join(trial_values, trial_values.c.trial_id == trials.c.trial_id)
        .outerjoin(trial_user_attributes, shown)
        .outerjoin(ending, pruned)
        .where(of_study, trials.c.state == COMPLETE, trial_values.c.objective == 0)
        .order_by(*first, trials.c.number)
        .limit(1)
    )


def shown_values(text: str | None) -> dict[str, Value]:
    """Return the hyperparameters that a trial shows; none where people wrote something else there."""
    values = json.loads(text or "{}")
    return values if isinstance(values, dict) else {}


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
    # Anybody may have written it.
    found = {f"{json.loads(row[0])}": row[1] for row in connection.execute(query)}
    found.pop(FailureKind.WITHDRAWN, None)
    return found


def spent(connection: Connection, study_id: int, direction: str) -> Spent:
    """Return what a study has cost so far."""
    row = connection.execute(_spent(), {"study": study_id}).one()
    found = best(connection, study_id, direction)
    return Spent(
        seconds=0.0 if row.started is None else max(0.0, row.clock - json.loads(row.started)),
        epochs=max(row.reported, row.begun),
        best=None if found is None else found.value,
    )


@functools.cache
def _spent() -> Select[Any]:
    table, study = study_user_attributes, bindparam("study", type_=Integer)
    started = select(table.c.value_json).where(table.c.study_id == study, table.c.key == STARTED)
    return select(
        now().label("clock"),
        started.scalar_subquery().label("started"),
        epoch_budget.reported(study).scalar_subquery().label("reported"),
        epoch_budget.begun(study).scalar_subquery().label("begun"),
    )


def front(connection: Connection, study_id: int, directions: Sequence[str]) -> list[FrontTrial]:
    """Return the Pareto front of a study with several objectives, by the first; empty where there is one.

    Args:
        connection: The database.
        study_id: The study's number.
        directions: "minimize" or "maximize" for each objective.
    """
    if len(directions) < 2:
        return []
    shown = (trial_user_attributes.c.trial_id == trials.c.trial_id) & (
        trial_user_attributes.c.key == HYPERPARAMETERS
    )
    query = (
        select(
            trials.c.number,
            trial_values.c.value,
            trial_values.c.value_type,
            trial_user_attributes.c.value_json,
        )
        .join(trial_values, trial_values.c.trial_id == trials.c.trial_id)
        .outerjoin(trial_user_attributes, shown)
        .where(trials.c.study_id == study_id, trials.c.state == COMPLETE)
        .order_by(trials.c.number, trial_values.c.objective)
    )
    values: dict[int, list[float]] = {}
    hyperparameters = {}
    for row in connection.execute(query):
        values.setdefault(row.number, []).append(number_of(row.value, row.value_type))
        hyperparameters[row.number] = row.value_json
    signs = [-1 if direction == "maximize" else 1 for direction in directions]
    costs = {
        number: tuple(sign * value for sign, value in zip(signs, each, strict=True))
        for number, each in values.items()
    }
    return [
        FrontTrial(number, values[number], shown_values(hyperparameters[number]))
        for number in undominated(costs)
    ]


def undominated(costs: Mapping[int, tuple[float, ...]]) -> list[int]:
    """Return the keys of the costs on the Pareto front, those with the lowest first cost first."""
    kept: list[int] = []
    for key in sorted(costs, key=lambda each: (costs[each], each)):
        # Whatever dominates it comes before it, or is dominated itself by one that does.
        if not any(
            costs[other] != costs[key] and all(a <= b for a, b in zip(costs[other], costs[key], strict=True))
            for other in kept
        ):
            kept.append(key)
    return kept
