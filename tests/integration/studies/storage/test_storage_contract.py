"""Optuna's own contract of a storage, kept by ours on both databases."""

import math
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from optuna.storages import BaseStorage
from optuna.storages._rdb import models
from optuna.study import StudyDirection
from optuna.testing.pytest_storages import FLOAT_ATTRS, StorageTestCase

from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StudyStorage]:
    """A storage of each kind, for all tests, as they are many."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("contract") / "studies.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.url(server.create_database(request.getfixturevalue("postgres_template")))
    storage = open_storage(url, create=False)
    yield storage
    storage.close()


@pytest.fixture
def storage(opened: StudyStorage) -> StudyStorage:
    """The same storage, without what the test before left there."""
    tables = [each for each in models.BaseModel.metadata.sorted_tables if each.name != "version_info"]
    with opened.engine.begin() as connection:
        for table in reversed(tables):
            connection.execute(table.delete())
    return opened


class TestStudyStorage(StorageTestCase):
    """Optuna's tests; the two that are redefined ask for what Studyhall promises otherwise."""

    # People's attributes stand in JSON that every program reads, which knows neither NaN nor infinities.
    # System attributes are Optuna's own affair, and are kept as they are.
    def test_set_and_get_study_user_attrs_for_floats(self, storage: BaseStorage) -> None:
        study_id = storage.create_new_study([StudyDirection.MINIMIZE])
        stored_as_null_where_not_finite(
            lambda key, value: storage.set_study_user_attr(study_id, key, value),
            lambda: storage.get_study_user_attrs(study_id),
        )

    def test_set_and_get_trial_user_attr_for_floats(self, storage: BaseStorage) -> None:
        trial_id = storage.create_new_trial(storage.create_new_study([StudyDirection.MINIMIZE]))
        stored_as_null_where_not_finite(
            lambda key, value: storage.set_trial_user_attr(trial_id, key, value),
            lambda: storage.get_trial_user_attrs(trial_id),
        )


def stored_as_null_where_not_finite(
    store: Callable[[str, float], None], read: Callable[[], dict[str, Any]]
) -> None:
    for key, value in FLOAT_ATTRS.items():
        store(key, value)
        assert read()[key] == (value if math.isfinite(value) else None)


def test_redefined_tests_are_tests_of_optunas() -> None:
    own = {name for name in vars(TestStudyStorage) if name.startswith("test_")}
    assert own <= vars(StorageTestCase).keys()
