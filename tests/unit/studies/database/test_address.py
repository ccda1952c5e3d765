"""What a database URL means, and that no password in one is ever shown."""

import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyhall.studies.artifacts.location import artifact_location
from studyhall.studies.database.address import parse, read_url_file
from studyhall.studies.database.connection import connect, failure, require
from studyhall.studies.database.names import sqlite_url
from studyhall.studies.errors import StorageError
from studyhall.studies.one_line import redact


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///studies.db", "sqlite:///studies.db"),
        ("sqlite:////home/me:you@work/studies.db", "sqlite:////home/me:you@work/studies.db"),
        ("postgresql://anna@db/studies", "postgresql://anna@db/studies"),
        ("postgresql://anna:secret@db:5432/studies", "postgresql://anna:***@db:5432/studies"),
        ("postgresql://anna:@db/studies", "postgresql://anna:***@db/studies"),
        ("postgresql://:secret@db/studies", "postgresql://:***@db/studies"),
        ("postgresql://anna:se@cr:e/t?@db/studies", "postgresql://anna:***@db/studies"),
        ("postgresql://anna:sec ret\n@db/studies", "postgresql://anna:***@db/studies"),
        ("postgresql:/anna:secret@db/studies", "postgresql:***@db/studies"),
        ("anna:secret@db/studies", "anna:***@db/studies"),
        ("postgresql:///studies?user=anna&password=secret", "postgresql:///studies?user=anna&password=***"),
        ("postgresql://db/studies?sslpassword=secret&x=1", "postgresql://db/studies?sslpassword=***&x=1"),
    ],
)
def test_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert redact(url) == shown


@given(st.text(alphabet=st.characters(min_codepoint=32), min_size=1))
def test_no_password_survives_whatever_it_is_made_of(password: str) -> None:
    marked = f"QJX{password}XJQ"
    for url in (
        f"postgresql://anna:{marked}@db/studies",
        f"postgresql+psycopg://anna:{marked}@{marked}@db",
        f"mysql://anna:{marked}@db/studies?charset=utf8",
    ):
        assert "XJQ" not in redact(url)


@pytest.mark.parametrize(
    "name",
    [
        "studies.db",
        "sub folder/stüdies 名.db",
        "100%.db",
        "{SCHEMA_VERSION} {} }{.db",
        'it\'s "quoted".db',
        "a&b=c;d#e.db",
        "back\\slash.db",
    ],
)
def test_hostile_paths_arrive_at_sqlite_as_they_are(name: str, tmp_path: Path) -> None:
    address = parse(f"sqlite:///{tmp_path}/{name}")
    assert address.path == tmp_path / name
    assert unquote(str(address.url.database)) == f"file://{tmp_path}/{name}"
    assert "{" not in str(address.url.database)


HOSTILE = [
    "plain",
    "lr?small",
    "per%20cent",
    "100%",
    "a#b",
    "sub folder/stüdies 名",
    'it\'s "quoted" `$HOME`',
    "{SCHEMA_VERSION} [bold]",
    "a:b@c/d&e=f;g+h",
    "back\\slash",
    "line\nbreak",
    "%3F",
    "no text \udcff",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_path_that_is_put_into_a_url_is_the_one_that_comes_out(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "studies.db"
    assert parse(sqlite_url(path)).path == path
    assert artifact_location(sqlite_url(path), "artifacts") == str(tmp_path / name / "artifacts")
    shown = parse(sqlite_url(path)).shown
    assert parse(shlex.split(shlex.quote(shown))[0]).path == path  # as a person pastes it


def test_no_two_paths_have_one_url() -> None:
    assert len({sqlite_url(f"{name}/studies.db") for name in HOSTILE}) == len(HOSTILE)
    assert sqlite_url("results/studies.db") == "sqlite:///results/studies.db"


def test_the_artifacts_of_a_database_are_beside_it_however_its_url_is_written(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/a%20b/s.db", f"sqlite+pysqlite:///{tmp_path}/a b/s.db"):
        assert artifact_location(url, "artifacts") == str(tmp_path / "a b" / "artifacts")
    assert artifact_location("postgresql://me@db/studies", "artifacts") == str(Path("artifacts").absolute())
    with pytest.raises(StorageError, match="is a database in memory"):
        artifact_location("sqlite:///:memory:", "artifacts")


def test_relative_file_is_where_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    address = parse("sqlite:///var/../studies.db")
    monkeypatch.chdir("/")
    assert address.path == tmp_path / "studies.db"
    assert address.shown == f"sqlite:///{tmp_path}/studies.db"  # whoever misses something there sees where


@pytest.mark.parametrize("name", ["runs.db", "runs", "my runs/a?b 100%.db", "a#b.sqlite", "stüdies[1].db"])
def test_plain_file_name_is_a_database(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    address = parse(name)
    assert address.path == tmp_path / name
    assert parse(address.shown).path == address.path


def test_plain_file_name_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse("~/runs.db").path == tmp_path / "runs.db"
    assert parse(sqlite_url("~/runs.db")).path == Path("~/runs.db").absolute()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_reached_with_psycopg_3(scheme: str) -> None:
    address = parse(f"{scheme}://anna:p%40ss@db:5433/studies?sslmode=require")
    assert address.url.drivername == "postgresql+psycopg"
    assert (address.url.username, address.url.password, address.url.host) == ("anna", "p@ss", "db")
    assert address.url.query["sslmode"] == "require"
    assert address.path is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is not a database URL: write a file's name, as in studies.db, or"),
        ("anna:secret@db/studies", "is not a database URL"),
        ("sqlite:studies.db", "is not a database URL"),
        ("postgresql://anna:secret@db:port/studies", "is not a database URL"),
        ("mysql://anna:secret@db/studies", "is neither SQLite nor PostgreSQL"),
        ("postgresql+psycopg2://anna:secret@db/studies", "is neither SQLite nor PostgreSQL"),
        ("oracle://secret", "is neither SQLite nor PostgreSQL"),
        ("postgresql://anna:sec@ret@db/studies", "write it as %40"),
        ("sqlite://studies.db", "write sqlite:///studies.db"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///~/studies.db", "write the path out"),
        ("sqlite:///a%00b.db", "NUL"),
        ("sqlite:///studies.db?timeout=1", "leave out '?'"),
        ("sqlite:///lr?small/studies.db", "a '?' of the file's name is written %3F"),
    ],
)
def test_url_that_names_no_shared_database_is_refused_in_one_line(url: str, problem: str) -> None:
    with pytest.raises(StorageError) as caught:
        parse(url)
    message = str(caught.value)
    assert problem in message
    assert "\n" not in message
    assert "secret" not in message or "@" not in url
    assert "ret@" not in message


def test_address_does_not_show_its_password_in_a_traceback() -> None:
    assert "secret" not in repr(parse("postgresql://anna:secret@db/studies"))


def test_missing_driver_is_one_line_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        StorageError, match=r"postgresql://anna:\*\*\*@db/s needs .*pip install 'studyhall\[postgres\]'"
    ):
        connect(parse("postgresql://anna:secret@db/s"))


def test_failure_never_shows_the_password_even_if_the_driver_does() -> None:
    address = parse("postgresql://anna:s3cret@db/studies")
    assert "s3cret" not in str(failure(address, OSError(f"cannot reach {address.url.password} at db")))


def test_missing_file_is_missed_and_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"There is no database .*studyhall search STUDY\.toml"):
        require(parse(f"sqlite:///{tmp_path}/no/studies.db"))
    assert not (tmp_path / "no").exists()
    for name in ("runs.db", "runs.toml"):
        (tmp_path / name).touch()
    with pytest.raises(StorageError, match=rf"no database .*run\.db; did you mean '{tmp_path}/runs\.db'\?"):
        require(parse(f"{tmp_path}/run.db"))
    with pytest.raises(StorageError, match="is not a file"):
        require(parse(f"sqlite:///{tmp_path}"))
    with pytest.raises(StorageError, match="File name too long"):
        require(parse(f"sqlite:///{tmp_path}/{'x' * 300}"))


def test_catalogue_imports_nothing_slow() -> None:
    code = "import sys, studyhall.studies.status.catalogue; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    slow = {"optuna", "alembic", "pydantic", "numpy", "keras", "keras_tuner", "tensorflow"}
    assert slow.isdisjoint(done.stdout.split())


def test_url_is_read_from_the_file_that_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "a secret"
    file.write_text("postgresql://user:password@host/db\n")
    assert read_url_file(file) == "postgresql://user:password@host/db"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "cannot be read: it is not text"),
        (b"", "must hold that and nothing else"),
        (b"password", "must hold that and nothing else: write a file's name"),
        (b"sqlite:///a.db sqlite:///b.db", "must hold that and nothing else"),
    ],
)
def test_file_that_holds_no_url_is_one_line_that_does_not_quote_it(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StorageError, match=message) as caught:
        read_url_file(file)
    assert "\n" not in str(caught.value)
    assert "password" not in str(caught.value)
