"""The storage that studies live in: Optuna's own, made safe for several processes on SQLite."""

import json
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, Table, delete, select

from studyhall.studies.database import optuna_tables, schema
from studyhall.studies.database.address import Address, parse
from studyhall.studies.database.connection import require
from studyhall.studies.database.retrying import Patience, persist
from studyhall.studies.database.study_rows import exists, put_attribute
from studyhall.studies.errors import StorageError, StudyhallError
from studyhall.studies.json_text import finite
from studyhall.studies.queue import leasing, pruning
from studyhall.studies.queue.lease import Lease, lost
from studyhall.studies.storage.retrying_storage import RetryingStorage
from studyhall.studies.storage.trial_reader import Head, read_heads, read_trials


class StudyStorage(RetryingStorage):
    """An Optuna storage on a database whose schema exists already.

    On SQLite, the transactions that decide who has a trial take the write lock before they read, so that no
    two processes decide on the same reading; only those, because a lock taken early is handed out unfairly.
    The others stay in sqlite3's legacy mode, where reads before the first write belong to no transaction, and
    so are never a snapshot that is too old to write to.

    It may be pickled, and opens its own connections where it is unpickled.
    """

    def __init__(self, address: Address, patience: Patience) -> None:
        """Use `open_storage`."""
        super().__init__(address, patience)
        self._waiting: dict[Head, FrozenTrial] = {}
        try:
            self._check_version()
        finally:
            self.close()

    def __reduce__(self) -> tuple[Callable[..., "StudyStorage"], tuple[Address, float]]:
        return _reopen, (self.address, self.patience.seconds)

    @contextmanager
    def explained_as_lost(self, lease: Lease) -> Iterator[None]:
        """Turn what goes wrong in the block because a lease is over, in Optuna too, into a LeaseLostError."""
        try:
            yield
        except StudyhallError:
            raise
        except Exception as error:  # such as Optuna's about trials that are not running, once they are not
            if not self.read(lambda connection: leasing.is_held(connection, lease)):
                raise lost(lease) from error
            raise

    def end(
        self, lease: Lease, state: TrialState, values: Sequence[float], attributes: Mapping[str, Any]
    ) -> datetime:
        """End a trial, and its lease; return when that was.

        Raises:
            LeaseLostError: The lease is over.
        """
        return self.transact(
            lambda connection: leasing.end(connection, lease, state.name, values, attributes),
            got_through=lambda connection, _: leasing.has_ended(connection, lease, state.name),
        )

    def end_pruned(
        self, lease: Lease, values: Sequence[float], attributes: Mapping[str, Any]
    ) -> pruning.Ending:
        """End a trial that the pruner gave up on, as complete or as pruned, and its lease.

        Raises:
            LeaseLostError: The lease is over.
        """
        return self.transact(
            lambda connection: pruning.end(connection, lease, values, attributes),
            got_through=lambda connection, ending: leasing.has_ended(connection, lease, ending.state),
        )

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        with self.writing():
            return super().set_trial_state_values(trial_id, state, values)

    # Private, but it is what Optuna's cache in front of this storage calls to create a trial.
    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        with self.explained(), self.writing():
            return super()._create_new_trial(study_id, template_trial)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._set_study_attribute(optuna_tables.study_user_attributes, study_id, key, finite(value))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        super().set_trial_user_attr(trial_id, key, finite(value))

    # Not of a system attribute: a sampler may keep an infinity there, and is the one that reads it.
    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._set_study_attribute(optuna_tables.study_system_attributes, study_id, key, value)

    def delete_study_system_attr(self, study_id: int, key: str) -> None:
        """Remove a system attribute of a study; one that is gone already is no error."""
        rows = optuna_tables.study_system_attributes
        deletion = delete(rows).where(rows.c.study_id == study_id, rows.c.key == key)
        self.transact(lambda connection: connection.execute(deletion))

    def _set_study_attribute(self, table: Table, study_id: int, key: str, value: Any) -> None:
        text = json.dumps(value)
        if self.write(lambda connection: put_attribute(connection, table, study_id, key, text)) == 0:
            raise _missing(study_id)

    # Private, but it is what Optuna's cache asks, at every proposal and every report, for all trials that are
    # not finished. Most of them wait, and do not change: with 1,000 in the queue, a report took 120 ms.
    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        if states is not None:
            return super()._get_trials(study_id, states, included_trial_ids, trial_id_greater_than)
        first = min(included_trial_ids | {trial_id_greater_than + 1})
        heads = self.read(lambda connection: _heads(connection, study_id, first))
        asked = [
            each
            for each in heads
            if each.trial_id > trial_id_greater_than or each.trial_id in included_trial_ids
        ]
        # A trial that was claimed and handed back has another start than before.
        unknown = [each for each in asked if each not in self._waiting]
        read = self.read(lambda connection: read_trials(connection, unknown)) if unknown else []
        found = dict(zip(unknown, read, strict=True))
        trials = [found.get(each) or self._waiting[each] for each in asked]
        self._waiting = {
            head: trial
            for head, trial in zip(asked, trials, strict=True)
            if head.state == optuna_tables.WAITING
        }
        return trials

    def _check_version(self) -> None:
        is_head = self.get_current_version() == self.get_head_version()
        creator = self.read(
            lambda c: c.execute(select(optuna_tables.version_info.c.library_version)).scalar_one()
        )
        shown = self.address.shown
        if not is_head and self.get_current_version() not in self.get_all_versions():
            raise StorageError(
                f"{shown} was made by a newer Optuna ({creator}): pip install --upgrade optuna"
            )
        if not is_head or int(creator.split(".")[0]) < 5:
            # Up to Optuna 4, times were stored in local time; since then in UTC. Nothing tells them apart.
            raise StorageError(
                f"{shown} was made by Optuna {creator}, which stores times differently: give Studyhall a "
                "database of its own."
            )


def _heads(connection: Connection, study_id: int, first: int) -> Sequence[Head]:
    heads = read_heads(connection, study_id, first)
    if not heads and not exists(connection, study_id):
        raise _missing(study_id)
    return heads


def _missing(study_id: int) -> KeyError:
    return KeyError(f"There is no study with the id {study_id}.")


def open_storage(url: str, *, create: bool, patience: Patience | None = None) -> StudyStorage:
    """Open the database that holds the studies.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.
        create: Create what is missing of it (folder, file, tables). Otherwise nothing is created but tables
            that another version of Studyhall did not have.
        patience: How long to wait for a server that is away, when opening and later; None does not wait.

    Raises:
        StorageError: It cannot be opened, or is missing and not to be created.
    """
    address = parse(url)
    patience = patience or Patience()
    if create:
        schema.ensure(address, patience)
    else:
        require(address)
        schema.complete(address, patience)
    return _open(address, patience)


def _open(address: Address, patience: Patience) -> StudyStorage:
    with schema.optuna_explained(address):
        return persist(address, patience, lambda: StudyStorage(address, patience))


def _reopen(address: Address, seconds: float) -> StudyStorage:
    return _open(address, Patience(seconds))
