"""Trials kept apart: what one draws or begins is written only where no other trial has the same.

Each function is one step of a transaction that the caller holds; on SQLite it holds the write lock. On
PostgreSQL the study's row is the lock, without being in the way of foreign keys to it.
"""

import functools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from optuna.distributions import BaseDistribution, json_to_distribution
from sqlalchemy import Connection, exists, select

from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import BEGUN
from studyhall.studies.database.optuna_tables import (
    FAIL,
    trial_params,
    trial_system_attributes,
    trials,
)
from studyhall.studies.queue import trial_writes
from studyhall.studies.queue.lease import Lease
from studyhall.studies.space.configurations import Key, key_of

_distribution = functools.cache(json_to_distribution)


@dataclass(frozen=True)
class Neighbours:
    """Other trials with the same values: whether one has no others, and whether one has more of them."""

    same: bool
    more: bool


def set_param(
    connection: Connection,
    lease: Lease,
    first: int,
    points: Mapping[str, Key],
    name: str,
    value: float,
    distribution: BaseDistribution,
    *,
    goes_on: bool,
) -> Neighbours:
    """Give the trial a parameter, unless that makes it another trial's equal with nothing more to draw.

    Args:
        connection: The transaction.
        lease: The lease on the trial.
        first: The id of the first trial that may have drawn a parameter since the caller last looked.
        points: The trial's parameters so far.
        name: The parameter's name.
        value: Its value, in the distribution's internal representation.
        distribution: What it was drawn from.
        goes_on: Whether a trial is known that had the same values and then more.

    Raises:
        LeaseLostError: The lease is over.
    """
    # That the lease is not over is for the statement that writes to find out.
    study_rows.lock(connection, lease.study_id)
    key = key_of(distribution, distribution.to_external_repr(value))
    wanted = {**points, name: key}
    others = [
        each
        for each in _points(connection, lease, first)
        if all(each.get(known, wanted) == other for known, other in wanted.items())
    ]
    found = Neighbours(
        same=any(len(each) == len(wanted) for each in others),
        more=goes_on or any(len(each) > len(wanted) for each in others),
    )
    if found.more or not found.same:
        trial_writes.set_param(connection, lease, name, value, distribution)
    return found


def begin_without_parameters(connection: Connection, lease: Lease) -> int | None:
    """Note that the trial trains a model without parameters; return the number of a trial that already did.

    Raises:
        LeaseLostError: The lease is over.
    """
    study_rows.lock(connection, lease.study_id)
    mark, param = trial_system_attributes, trial_params
    other: int | None = connection.scalar(
        select(trials.c.number)
        .join(mark, mark.c.trial_id == trials.c.trial_id)
        .where(trials.c.study_id == lease.study_id, trials.c.trial_id != lease.trial_id)
        .where(mark.c.key == BEGUN, trials.c.state != FAIL)
        .where(~exists().where(param.c.trial_id == trials.c.trial_id))
        .limit(1)
    )
    if other is None:
        trial_writes.set_system_attribute(connection, lease, BEGUN, True)
    return other


def _points(connection: Connection, lease: Lease, first: int) -> list[dict[str, Key]]:
    c = trial_params.c
    query = (
        select(c.trial_id, c.param_name, c.param_value, c.distribution_json)
        .join(trials, trials.c.trial_id == c.trial_id)
        .where(trials.c.study_id == lease.study_id, trials.c.trial_id >= first)
        .where(trials.c.trial_id != lease.trial_id, trials.c.state != FAIL)
    )
    found: dict[int, dict[str, Key]] = defaultdict(dict)
    for trial_id, name, value, text in connection.execute(query):
        distribution = _distribution(text)
        found[trial_id][name] = key_of(distribution, distribution.to_external_repr(value))
    return list(found.values())
