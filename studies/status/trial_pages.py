"""The trials of a study, a page at a time."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from studyhall.studies.database.attributes import (
    DEVICE,
    FAILURE,
    HYPERPARAMETERS,
    PARAMETER_COUNT,
    PRUNED_AFTER,
    REASON,
    SECONDS,
)
from studyhall.studies.database.optuna_tables import (
    number_of,
    trial_intermediate_values,
    trial_user_attributes,
    trial_values,
    trials,
)
from studyhall.studies.values import Value

MOST = 500  # trials in a page

_SHOWN = (HYPERPARAMETERS, FAILURE, REASON, PRUNED_AFTER, SECONDS, DEVICE, PARAMETER_COUNT)


@dataclass(frozen=True)
class TrialRow:
    """One trial in a list. Times are in UTC and know it; what nobody recorded is None."""

    number: int
    state: str  # WAITING, RUNNING, COMPLETE, PRUNED or FAIL
    values: Sequence[float]  # of the objectives; of a pruned trial, the best that it reached
    started: datetime | None  # when a worker last took it
    ended: datetime | None
    epochs: int  # that it has reported
    seconds: float | None  # of training
    device: str | None
    parameters: int | None  # of its network
    hyperparameters: Mapping[str, Value]
    failure: str | None  # the kind of failure
    reason: str | None
    pruned_after: int | None  # the epoch after which the pruner ended it, complete or pruned


@dataclass(frozen=True)
class TrialPage:
    """Some trials, and how many there are in all."""

    total: int
    trials: Sequence[TrialRow]


def trial_page(
    connection: Connection,
    study_id: int,
    *,
    states: Sequence[str] = (),
    offset: int = 0,
    limit: int = MOST,
    newest_first: bool = False,
) -> TrialPage:
    """Return a page of a study's trials, in the order of their numbers.

    Args:
        connection: The transaction.
        study_id: The study.
        states: Only trials in one of these; empty for all.
        offset: How many to leave out at the beginning.
        limit: How many to return, `MOST` at most.
        newest_first: Begin with the highest number.
    """
    c = trials.c
    which = [c.study_id == study_id, *([c.state.in_(states)] if states else [])]
    total = connection.execute(select(func.count()).select_from(trials).where(*which)).scalar_one()
    order = c.number.desc() if newest_first else c.number.asc()
    query = select(c.trial_id, c.number, c.state, c.datetime_start, c.datetime_complete).where(*which)
    rows = connection.execute(query.order_by(order).offset(offset).limit(min(limit, MOST))).all()
    ids = [row.trial_id for row in rows]
    values, facts, epochs = _values(connection, ids), _facts(connection, ids), _epochs(connection, ids)
    return TrialPage(
        total,
        [
            TrialRow(
                number=row.number,
                state=row.state,
                values=values.get(row.trial_id, []),
                started=_utc(row.datetime_start),
                ended=_utc(row.datetime_complete),
                epochs=epochs.get(row.trial_id, 0),
                seconds=_number(known.get(SECONDS)),
                device=_text(known.get(DEVICE)),
                parameters=known[PARAMETER_COUNT] if isinstance(known.get(PARAMETER_COUNT), int) else None,
                hyperparameters=shown if isinstance(shown := known.get(HYPERPARAMETERS), dict) else {},
                failure=_text(known.get(FAILURE)),
                reason=_text(known.get(REASON)),
                pruned_after=ended if isinstance(ended := known.get(PRUNED_AFTER), int) else None,
            )
            for row in rows
            for known in [facts.get(row.trial_id, {})]
        ],
    )


def _values(connection: Connection, ids: Sequence[int]) -> dict[int, list[float]]:
    c = trial_values.c
    query = select(c.trial_id, c.value, c.value_type).where(c.trial_id.in_(ids)).order_by(c.objective)
    found: dict[int, list[float]] = {}
    for trial_id, value, kind in connection.execute(query):
        found.setdefault(trial_id, []).append(number_of(value, kind))
    return found


def _facts(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    c = trial_user_attributes.c
    query = select(c.trial_id, c.key, c.value_json).where(c.trial_id.in_(ids), c.key.in_(_SHOWN))
    found: dict[int, dict[str, Any]] = {}
    for trial_id, key, value in connection.execute(query):
        found.setdefault(trial_id, {})[key] = json.loads(value)
    return found


def _epochs(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    c = trial_intermediate_values.c
    query = select(c.trial_id, func.count()).where(c.trial_id.in_(ids)).group_by(c.trial_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
