"""The storage that studies live in: Optuna's own, made safe for several processes on SQLite."""

import threading
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, event, select

from studyhall.studies import schema, tables
from studyhall.studies.address import Address, parse
from studyhall.studies.database import empty, prepare, require
from studyhall.studies.errors import StorageError

_ABOVE_ALL_IDS = 2**31 - 1
_T = TypeVar("_T")


class StudyStorage(RDBStorage):
    """An Optuna storage on a database whose schema exists already.

    On SQLite, the transactions that decide who has a trial take the write lock before they read, so that no
    two processes decide on the same reading; only those, because a lock taken early is handed out unfairly.
    The others stay in sqlite3's legacy mode, where reads before the first write belong to no transaction, and
    so are never a snapshot that is too old to write to.

    It may be pickled, and opens its own connections where it is unpickled.
    """

    def __init__(self, address: Address) -> None:
        """Open the storage; use `open_storage`.

        Raises:
            StorageError: Another version of Optuna made the database.
        """
        self.address = address
        self._intent = threading.local()
        self._waiting: dict[tuple[object, ...], FrozenTrial] = {}
        with self.answered():
            super().__init__(
                schema.optuna_url(address),
                address.options,
                skip_compatibility_check=True,  # done below, in one line
                skip_table_creation=True,
            )
            self.close()  # its first connection was made before it could be prepared
            prepare(self.engine)
            event.listen(self.engine, "begin", self._begin)
            try:
                self._check_version()
            finally:
                self.close()

    def __reduce__(self) -> tuple[type["StudyStorage"], tuple[Address]]:
        return StudyStorage, (self.address,)

    def read(self, work: Callable[[Connection], _T]) -> _T:
        """Return what `work` finds; it must not write."""
        with self.answered(), self.engine.connect() as connection:
            return work(connection)

    def transact(self, work: Callable[[Connection], _T]) -> _T:
        """Do `work` in one transaction that holds SQLite's write lock from its start.

        `work` has no effect but on the database, so that it may be done again when the database asks for it.
        """
        with self.answered(), self._writing(), self.engine.begin() as connection:
            return work(connection)

    def answered(self) -> AbstractContextManager[None]:
        """Turn what goes wrong with the database inside the block, in Optuna too, into a StorageError."""
        return schema.answered(self.address)

    def close(self) -> None:
        """Close the connections of this thread and of the pool; the storage can be used again."""
        self.remove_session()
        self.engine.dispose()

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        with self._writing():
            return super().set_trial_state_values(trial_id, state, values)

    # Private, but it is what Optuna's cache in front of this storage calls to create a trial.
    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        with self._writing():
            return super()._create_new_trial(study_id, template_trial)

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
        c = tables.trials.c
        first = min(included_trial_ids | {trial_id_greater_than + 1})
        head = select(c.trial_id, c.state, c.datetime_start).where(
            c.study_id == study_id, c.trial_id >= first
        )
        heads = {row.trial_id: row for row in self.read(lambda connection: connection.execute(head).all())}
        asked = {each for each in heads if each > trial_id_greater_than or each in included_trial_ids}
        # A trial that was claimed and handed back has another start than before.
        known = {each: trial for each in asked if (trial := self._waiting.get(heads[each])) is not None}
        unknown = asked - known.keys()
        read = super()._get_trials(study_id, None, unknown, _ABOVE_ALL_IDS) if unknown else []
        found = known | {trial._trial_id: trial for trial in read}
        self._waiting = {heads[each]: trial for each, trial in found.items() if _waits(heads[each], trial)}
        return [found[each] for each in sorted(found)]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._intent.writes = True
        try:
            yield
        finally:
            self._intent.writes = False

    def _begin(self, connection: Connection) -> None:
        if connection.dialect.name == "sqlite" and getattr(self._intent, "writes", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _check_version(self) -> None:
        is_head = self.get_current_version() == self.get_head_version()
        creator = self.read(lambda c: c.execute(select(tables.version_info.c.library_version)).scalar_one())
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


def _waits(head: Any, trial: FrozenTrial) -> bool:
    return head.state == tables.WAITING and trial.state is TrialState.WAITING


def open_storage(url: str, *, create: bool) -> StudyStorage:
    """Open the database that holds the studies.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.
        create: Create what is missing of it (folder, file, tables). Otherwise nothing is created.

    Raises:
        StorageError: It cannot be opened, or is missing and not to be created.
    """
    address = parse(url)
    if create:
        schema.ensure(address)
    else:
        require(address)
        if not schema.is_complete(address):
            raise empty(address)
    return StudyStorage(address)
