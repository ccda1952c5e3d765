"""Optuna's storage, with every operation done again until it gets through to the database."""

import functools
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from optuna.storages import RDBStorage
from sqlalchemy import Connection, event

from studyhall.studies.database import schema
from studyhall.studies.database.address import Address
from studyhall.studies.database.connection import ping_after_a_rest, prepare
from studyhall.studies.database.retrying import Patience, persist

_P = ParamSpec("_P")
_T = TypeVar("_T")


def retried(
    method: Callable[Concatenate[RDBStorage, _P], _T],
) -> Callable[Concatenate["RetryingStorage", _P], _T]:
    """Return a method of Optuna's storage that is done again until it gets through, as `persist` does."""

    @functools.wraps(method)
    def persistently(self: "RetryingStorage", /, *arguments: _P.args, **options: _P.kwargs) -> _T:
        return self.persist(lambda: method(self, *arguments, **options))

    return persistently


class RetryingStorage(RDBStorage):
    """An Optuna storage on a database whose schema exists already.

    Each operation is one transaction, and is done again as a whole where other transactions or an absent
    server were in its way. All of those that Optuna does for a trial have the same effect done twice, for a
    commit may get through whose answer does not; only what creates or deletes is done once.
    """

    set_study_user_attr = retried(RDBStorage.set_study_user_attr)
    set_study_system_attr = retried(RDBStorage.set_study_system_attr)
    get_study_id_from_name = retried(RDBStorage.get_study_id_from_name)
    get_study_name_from_id = retried(RDBStorage.get_study_name_from_id)
    get_study_directions = retried(RDBStorage.get_study_directions)
    get_study_user_attrs = retried(RDBStorage.get_study_user_attrs)
    get_study_system_attrs = retried(RDBStorage.get_study_system_attrs)
    get_all_studies = retried(RDBStorage.get_all_studies)
    set_trial_param = retried(RDBStorage.set_trial_param)
    set_trial_state_values = retried(RDBStorage.set_trial_state_values)
    set_trial_intermediate_value = retried(RDBStorage.set_trial_intermediate_value)
    set_trial_user_attr = retried(RDBStorage.set_trial_user_attr)
    set_trial_system_attr = retried(RDBStorage.set_trial_system_attr)
    get_trial_id_from_study_id_trial_number = retried(RDBStorage.get_trial_id_from_study_id_trial_number)
    get_trial_number_from_id = retried(RDBStorage.get_trial_number_from_id)
    get_trial_param = retried(RDBStorage.get_trial_param)
    get_trial_params = retried(RDBStorage.get_trial_params)
    get_trial_user_attrs = retried(RDBStorage.get_trial_user_attrs)
    get_trial_system_attrs = retried(RDBStorage.get_trial_system_attrs)
    get_trial = retried(RDBStorage.get_trial)
    get_all_trials = retried(RDBStorage.get_all_trials)
    get_n_trials = retried(RDBStorage.get_n_trials)
    get_best_trial = retried(RDBStorage.get_best_trial)
    record_heartbeat = retried(RDBStorage.record_heartbeat)
    # Private, but Optuna's cache in front of this storage calls them.
    _set_trial_param = retried(RDBStorage._set_trial_param)
    _get_trials = retried(RDBStorage._get_trials)
    _get_best_trial_id = retried(RDBStorage._get_best_trial_id)

    def __init__(self, address: Address, patience: Patience) -> None:
        self.address = address
        self.patience = patience
        self._local = threading.local()
        # A worker, which waits for its database anyway, does not ask before each statement whether it is
        # there.
        trusts = {"pool_pre_ping": False} if patience.seconds > 0 and address.path is None else {}
        super().__init__(
            schema.optuna_url(address),
            address.options | trusts,
            skip_compatibility_check=True,
            skip_table_creation=True,
        )
        logging.getLogger("optuna.storages._rdb.storage").addFilter(_is_news)
        self.close()  # its first connection was made before it could be prepared
        prepare(self.engine)
        if trusts:
            ping_after_a_rest(self.engine)
        event.listen(self.engine, "begin", functools.partial(_begin, self._local))
        # Connections end with the storage; so nothing that the engine holds may hold the storage.
        weakref.finalize(self, self.engine.dispose).atexit = False
        # sqlite3 begins no transaction for what only reads.
        apart = {} if address.path is not None else {"isolation_level": "AUTOCOMMIT"}
        self._apart = self.engine.execution_options(**apart)

    def read(self, work: Callable[[Connection], _T]) -> _T:
        """Return what `work` finds; it must not write.

        Each of its statements sees what was committed before it.
        """

        def attempt() -> _T:
            with self._apart.connect() as connection:
                return work(connection)

        return self.persist(attempt)

    def write(self, work: Callable[[Connection], _T]) -> _T:
        """Do `work`, which is one statement and may be done again, without a transaction around it."""

        def attempt() -> _T:
            with self._apart.begin() as connection:
                return work(connection)

        return self.persist(attempt)

    def transact(
        self,
        work: Callable[[Connection], _T],
        *,
        got_through: Callable[[Connection, _T], bool] | None = None,
    ) -> _T:
        """Do `work` in one transaction that holds SQLite's write lock from its start.

        Args:
            work: It has no effect but on the database, so that it may be done again.
            got_through: Says whether an earlier attempt whose answer was lost got through after all, given
                what `work` returned in it. Needed unless it makes no difference to do `work` again.
        """
        unanswered: list[_T] = []

        def attempt() -> _T:
            with self.writing(), self.engine.begin() as connection:
                for earlier in unanswered:
                    if got_through is not None and got_through(connection, earlier):
                        return earlier
                result = work(connection)
                unanswered.append(result)
            return result

        return self.persist(attempt)

    def persist(self, operation: Callable[[], _T]) -> _T:
        """Do an operation until it gets through.

        Raises:
            StorageError: It does not, in the time that patience allows.
        """
        with self.explained():
            return persist(self.address, self.patience, operation)

    def explained(self) -> AbstractContextManager[None]:
        """Turn what goes wrong with the database inside the block, in Optuna too, into a StorageError."""
        return schema.optuna_explained(self.address)

    def close(self) -> None:
        """Close the connections of this thread and of the pool; the storage can be used again."""
        self.remove_session()
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have this thread's transactions in the block take SQLite's write lock when they begin."""
        self._local.writes = True
        try:
            yield
        finally:
            self._local.writes = False


def _begin(local: threading.local, connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and getattr(local, "writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_news(record: logging.LogRecord) -> bool:
    # Optuna tells, with all its SQL, that it asks in another way whatever went wrong; here it is asked again.
    return not record.getMessage().startswith("Caught an error from sqlalchemy")
