"""A real PostgreSQL from the package index, the storage contract's backends, and a server's application."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from tests.support.postgres import PostgresServer, running_server
from tests.support.servers import Site


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server; it lives as long as the test session."""
    with running_server() as server:
        yield server


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


@pytest.fixture
def storage(tmp_path: Path, sqlite_template: Path) -> Iterator[StudyStorage]:
    """An empty database in SQLite; tests that have a storage of their own redefine it."""
    shutil.copy(sqlite_template, tmp_path / "studies.db")
    storage = open_storage(f"sqlite:///{tmp_path}/studies.db", create=False)
    yield storage
    storage.close()


@pytest.fixture
def store(tmp_path: Path) -> FileArtifactStore:
    """An empty artifact store."""
    (tmp_path / "artifacts").mkdir()
    return FileArtifactStore(tmp_path / "artifacts")


@pytest.fixture(scope="session")
def new_site(sqlite_template: Path) -> Callable[[Path], Site]:
    """Make a site in an empty folder; whoever does closes it."""
    return lambda folder: Site(folder, sqlite_template)


@pytest.fixture
def site(tmp_path: Path, new_site: Callable[[Path], Site]) -> Iterator[Site]:
    """Studies, and the server in front of them."""
    site = new_site(tmp_path)
    yield site
    site.close()
