"""The epochs that a study's trials have begun, counted in the database, so that a budget of epochs is exact.

Each function is one step of a transaction that the caller holds.
"""

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, func, select

from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import EPOCHS_BEGUN
from studyhall.studies.database.dialects import insert_into
from studyhall.studies.database.optuna_tables import (
    trial_intermediate_values,
    trial_system_attributes,
    trials,
)
from studyhall.studies.queue import leasing
from studyhall.studies.queue.lease import Lease


def reported(study_id: int | ColumnElement[int]) -> Select[int]:
    """Return the SELECT of how many epochs' values a study's trials have reported."""
    source = trial_intermediate_values.join(trials)
    return select(func.count()).select_from(source).where(trials.c.study_id == study_id)


def begun(study_id: int | ColumnElement[int]) -> Select[int]:
    """Return the SELECT of how many epochs all trials have begun, each counted once.

    An epoch that was trained again after an interruption does not count twice.
    """
    table = trial_system_attributes
    return (
        select(func.coalesce(func.sum(cast(table.c.value_json, Integer)), 0))
        .join(trials, trials.c.trial_id == table.c.trial_id)
        .where(trials.c.study_id == study_id, table.c.key == EPOCHS_BEGUN)
    )


def trained(connection: Connection, study_id: int) -> int:
    """Return how many epochs a study's trials have reported, or begun where those are counted."""
    both = reported(study_id).scalar_subquery(), begun(study_id).scalar_subquery()
    return max(map(int, connection.execute(select(*both)).one()))


def begin(connection: Connection, lease: Lease, epoch: int, limit: int) -> bool:
    """Note that the holder of a lease begins an epoch (from 1); False, and no change, if beyond the limit.

    An epoch that was begun before may always be begun again. The caller's transaction holds the write lock on
    SQLite; on PostgreSQL the study's row is the lock, without being in the way of foreign keys to it.

    Raises:
        LeaseLostError: The lease is over.
    """
    leasing.require(connection, lease)
    table = trial_system_attributes
    study_rows.lock(connection, lease.study_id)
    mine = select(cast(table.c.value_json, Integer)).where(
        table.c.trial_id == lease.trial_id, table.c.key == EPOCHS_BEGUN
    )
    before = connection.execute(mine).scalar_one_or_none() or 0
    if epoch <= before:
        return True
    if connection.execute(begun(lease.study_id)).scalar_one() + epoch - before > limit:
        return False
    new = insert_into(connection, table).values(
        trial_id=lease.trial_id, key=EPOCHS_BEGUN, value_json=f"{epoch}"
    )
    replace = {"value_json": new.excluded.value_json}
    connection.execute(
        new.on_conflict_do_update(index_elements=[table.c.trial_id, table.c.key], set_=replace)
    )
    return True
