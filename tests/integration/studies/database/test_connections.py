"""A worker takes few of a server's connections, whatever its threads do at the same time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url, text

from studyhall.search.core.outcome import Completed
from studyhall.search.processes.channel import Task
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.database import connection as database
from studyhall.studies.database.address import KEPT_CONNECTIONS, parse
from studyhall.studies.database.connection import PREPARED_AFTER
from studyhall.studies.database.retrying import Patience
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StorageError
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from tests.support.postgres import PostgresServer
from tests.support.trainers import LightTrainer

LEASE_SECONDS = 0.04  # so that it is renewed all the time, while parameters and reports are written


class CountingTrainer(LightTrainer):
    """Pretends to train, and counts connections after each trial."""

    def __init__(self, count: Callable[[], int]) -> None:
        super().__init__(0.2)
        self.counted: list[int] = []
        self._count = count

    def run(self, task: Task, handle: Any, stop_requested: Callable[[], bool]) -> Completed:
        outcome = super().run(task, handle, stop_requested)
        self.counted.append(self._count())
        return outcome


@pytest.fixture
def count(postgres_server: PostgresServer, postgres_url: str) -> Iterator[Callable[[], int]]:
    """Counts a database's connections, from another one."""
    engine: Engine = create_engine(parse(postgres_server.url("postgres")).url, poolclass=NullPool)
    held = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")

    def count() -> int:
        with engine.connect() as connection:
            return int(connection.execute(held, {"name": make_url(postgres_url).database}).scalar_one())

    yield count
    engine.dispose()


def test_worker_holds_three_connections_at_most_and_none_when_it_has_left(
    postgres_url: str, tmp_path: Path, count: Callable[[], int]
) -> None:
    storage = open_storage(postgres_url, create=True)
    study = Study.create_or_join(
        storage, Definition.model_validate({"name": "bss", "search": {"trials": 4}, "sampler": "random"})
    )
    store = open_artifact_store(str(tmp_path / "artifacts"), create=True)
    with (
        CountingTrainer(count) as trainer,
        Worker(
            study, trainer, store, lambda event: None, StopSwitch(), lease_seconds=LEASE_SECONDS
        ) as worker,
    ):
        worker.run()
    assert study.counts().complete == 4
    assert KEPT_CONNECTIONS == 3
    assert 1 < max(trainer.counted) <= KEPT_CONNECTIONS
    storage.close()
    assert count() == 0


def test_server_plans_a_statement_that_is_sent_often_only_at_first(postgres_url: str) -> None:
    storage = open_storage(postgres_url, create=True)
    study = Study.create_or_join(storage, Definition.model_validate({"name": "bss"}))
    held = text("SELECT count(*) FROM pg_prepared_statements WHERE statement ILIKE '%group by trials.state%'")
    with storage.engine.connect() as connection:  # the only one, and so it is the same before and after
        assert connection.execute(held).scalar_one() == 0
    for _ in range(PREPARED_AFTER + 1):
        study.counts()
    with storage.engine.connect() as connection:
        assert connection.execute(held).scalar_one() == 1
    storage.close()


def test_connection_that_was_cut_while_it_rested_is_replaced_without_a_word(
    postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "REST_SECONDS", 0.0)
    told: list[StorageError] = []
    storage = open_storage(postgres_url, create=True, patience=Patience(60.0, told.append))
    study = Study.create_or_join(storage, Definition.model_validate({"name": "bss"}))
    postgres_server.terminate_clients()
    assert study.counts().complete == 0
    assert told == []
    storage.close()
