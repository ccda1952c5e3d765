"""What the holder of a lease writes about its trial: for each fact a statement that requires the lease.

The rows are those that Optuna's own storage would write. Each function raises LeaseLostError where the lease
is over.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from sqlalchemy import Column, Connection, Insert, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from studyhall.studies.database.optuna_tables import (
    RUNNING,
    stored,
    trial_intermediate_values,
    trial_params,
    trial_system_attributes,
    trial_user_attributes,
    trials,
)
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.json_text import to_json
from studyhall.studies.queue import leasing
from studyhall.studies.queue.lease import Lease, lost

_TOKEN, _TRIAL = "held_token", "held_trial"  # parameters of every statement here


def known_distribution(connection: Connection, study_id: int, name: str) -> BaseDistribution | None:
    """Return what a trial of the study has drawn a parameter from; None if none has drawn it yet."""
    text = trial_params.c.distribution_json
    of_study = trials.c.study_id == study_id, trial_params.c.param_name == name
    found = connection.scalar(
        select(text).join(trials, trials.c.trial_id == trial_params.c.trial_id).where(*of_study).limit(1)
    )
    return None if found is None else json_to_distribution(found)


def set_param(
    connection: Connection, lease: Lease, name: str, value: float, distribution: BaseDistribution
) -> None:
    """Give the trial a parameter, in the distribution's internal representation, unless it has it."""
    row = {"param_name": name, "param_value": value, "distribution_json": distribution_to_json(distribution)}
    _write(connection, lease, trial_params, row)


def report(connection: Connection, lease: Lease, step: int, value: float) -> None:
    """Give the trial the value that it has at a step."""
    number, kind = stored(value)
    row = {"step": step, "intermediate_value": number, "intermediate_value_type": kind}
    _write(connection, lease, trial_intermediate_values, row)


def set_user_attribute(connection: Connection, lease: Lease, key: str, value: Any) -> None:
    """Give the trial a user attribute."""
    _write(connection, lease, trial_user_attributes, {"key": key, "value_json": to_json(value)})


def set_user_attributes(connection: Connection, lease: Lease, attributes: Mapping[str, Any]) -> None:
    """Give the trial user attributes, in the caller's transaction; on SQLite that holds the write lock."""
    leasing.require(connection, lease)
    leasing.set_attributes(connection, lease.trial_id, attributes)


def set_system_attribute(connection: Connection, lease: Lease, key: str, value: Any) -> None:
    """Give the trial a system attribute."""
    _write(connection, lease, trial_system_attributes, {"key": key, "value_json": json.dumps(value)})


def _write(connection: Connection, lease: Lease, table: Table, row: Mapping[str, Any]) -> None:
    held = {_TRIAL: lease.trial_id, _TOKEN: lease.token}
    if connection.execute(_insert(table.name, connection.dialect.name), {**row, **held}).rowcount == 0:
        raise lost(lease)


# For each table: what is unique for a trial, and what replaces it. A parameter is never replaced, only found
# there.
_ROWS: Mapping[str, tuple[Column[Any], tuple[Column[Any], ...]]] = {
    table.name: (table.c[key], tuple(table.c[each] for each in values))
    for table, key, values in (
        (trial_params, "param_name", ("param_value", "distribution_json")),
        (trial_intermediate_values, "step", ("intermediate_value", "intermediate_value_type")),
        (trial_user_attributes, "key", ("value_json",)),
        (trial_system_attributes, "key", ("value_json",)),
    )
}


@functools.cache
def _insert(name: str, dialect: str) -> Insert:
    """Return the statement that writes a row where the lease is held, and counts a row that it finds, too."""
    key, values = _ROWS[name]
    table = key.table
    given = (key, *values)
    held = (
        select(leases.c.trial_id, *(bindparam(each.name, type_=each.type) for each in given))
        .join(trials, trials.c.trial_id == leases.c.trial_id)
        .where(
            leases.c.trial_id == bindparam(_TRIAL),
            leases.c.token == bindparam(_TOKEN),
            trials.c.state == RUNNING,
        )
        .with_for_update(read=True, of=leases)  # so that who takes the lease waits for the row, and sees it
    )
    columns = ["trial_id", *(each.name for each in given)]
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    new: sqlite.Insert | postgresql.Insert = insert(table).from_select(columns, held)
    source = table.c if name == trial_params.name else new.excluded
    replace = {each.name: source[each.name] for each in values}
    upsert = new.on_conflict_do_update(index_elements=[table.c.trial_id, key], set_=replace)
    return upsert.execution_options(preserve_rowcount=True)
