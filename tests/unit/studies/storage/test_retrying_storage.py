"""Every operation of Optuna's storage is retried, or is listed here as done once: a new one of Optuna's fails
here.
"""

import inspect
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from optuna.storages import BaseStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._heartbeat import BaseHeartbeat

from studyhall.studies.storage.retrying_storage import RetryingStorage
from studyhall.studies.storage.study_storage import StudyStorage

DONE_ONCE = {
    "create_new_study": "a second attempt would find the name taken",
    "delete_study": "a second attempt would find no study",
    "create_new_trial": "a second attempt would create a second trial",
    "_create_new_trial": "a second attempt would create a second trial",
    "_get_stale_trial_ids": "Optuna's heartbeats are off: leases have their own",
    "get_heartbeat_interval": "it asks no database",
    "get_heartbeat_stale_trial_callback": "it asks no database",
    "get_failed_trial_callback": "it asks no database",
    "remove_session": "it closes connections",
    "check_trial_is_updatable": "it asks no database",
}

PUBLIC = {
    name
    for base in (BaseStorage, BaseHeartbeat)
    for name, _ in inspect.getmembers(base, inspect.isfunction)
    if not name.startswith("_")
}
CALLED_BY_THE_CACHE = set(re.findall(r"self\._backend\.(\w+)", inspect.getsource(_CachedStorage)))
OPERATIONS = sorted(PUBLIC | CALLED_BY_THE_CACHE)

# What an operation needs that cannot take a 1.
ARGUMENTS: dict[str, Any] = {"states": None, "included_trial_ids": set(), "trial_id_greater_than": -1}


class PersistedError(Exception):
    """An operation was about to be done until it gets through."""


def is_retried(storage_class: type[RetryingStorage], name: str) -> bool:
    """Whether a method, of a storage that has no database, would do its operation until it gets through."""
    storage = storage_class.__new__(storage_class)

    def persist(operation: Callable[[], Any]) -> Any:
        raise PersistedError

    vars(storage).update(persist=persist, _local=threading.local(), _waiting={})
    method = getattr(storage, name)
    parameters = inspect.signature(method).parameters.values()
    needed = [each.name for each in parameters if each.default is each.empty]
    try:
        method(*(ARGUMENTS.get(each, 1) for each in needed))
    except PersistedError:
        return True
    except Exception:  # noqa: BLE001 - whatever it needed that is not there
        return False
    return False


def test_operations_were_found() -> None:
    assert len(PUBLIC) > 25
    assert {"_get_trials", "_set_trial_param", "set_trial_user_attr"} <= CALLED_BY_THE_CACHE
    assert DONE_ONCE.keys() <= set(OPERATIONS)


@pytest.mark.parametrize("storage_class", [RetryingStorage, StudyStorage])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_retried_unless_it_is_listed_as_done_once(
    name: str, storage_class: type[RetryingStorage]
) -> None:
    assert is_retried(storage_class, name) != (name in DONE_ONCE), (
        f"{name}: retry it in RetryingStorage, or list it here with a reason"
    )
