"""Where a database is: a URL, read and checked, with a form that may be shown to people."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from studyhall.studies.database.names import FORMS, is_file_name, names_a_database, sqlite_url
from studyhall.studies.errors import StorageError
from studyhall.studies.one_line import redact

BUSY_SECONDS = 60  # how long SQLite waits for other processes' writes before it gives up
# By a process, to PostgreSQL, while it is idle: as many as a worker has threads that use them.
KEPT_CONNECTIONS = 3
CONNECT_SECONDS = 10  # how long PostgreSQL may take to answer a new connection

# What a server that went away without a word is given, instead of the hours that systems wait by default.
_CONNECTION: dict[str, int | None] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 20,  # s
    "keepalives_interval": 5,  # s
    "keepalives_count": 4,
    "tcp_user_timeout": 40_000,  # ms
    # Statements that are prepared in one session are missed in the next, behind PgBouncer in transaction
    # mode; where there is none, `database.prepare` has them prepared.
    "prepare_threshold": None,
}


@dataclass(frozen=True)
class Address:
    """Where a database is.

    `shown` is the URL without passwords, the only form that messages may contain; an SQLite file's path is
    absolute there, so that a person sees which file was looked for. `url` is what SQLAlchemy is given. `path`
    is the file of an SQLite database, None for PostgreSQL.
    """

    shown: str
    url: URL = field(repr=False)
    path: Path | None

    @property
    def options(self) -> dict[str, Any]:
        """What SQLAlchemy's `create_engine` needs besides the URL."""
        if self.path is not None:
            return {"connect_args": {"timeout": BUSY_SECONDS}}
        ours = {name: value for name, value in _CONNECTION.items() if name not in self.url.query}
        return {"connect_args": ours, "pool_pre_ping": True, "pool_size": KEPT_CONNECTIONS}


def parse(url: str) -> Address:
    """Read a database's URL, or the name of an SQLite file; nothing is opened.

    Raises:
        StorageError: It is neither, or a URL of another database than SQLite or PostgreSQL.
    """
    if is_file_name(url):
        url = sqlite_url(os.path.expanduser(url))
    shown = redact(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # their messages may quote the URL, password included
        raise StorageError(f"{shown!r} is not a database URL: {FORMS}.") from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        path = _sqlite_path(parsed, url, shown)
        # A file: URI, because its mode keeps SQLite from creating a missing file, and because every file name
        # passes %-encoded through SQLAlchemy and through Optuna, which takes URLs for templates with {}.
        location = "file://" + quote(os.fsencode(path))
        options = {"mode": "rw", "uri": "true"}
        return Address(sqlite_url(path), URL.create("sqlite", database=location, query=options), path)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        if "@" in (parsed.host or ""):  # and so it is a piece of the password, which must not be shown
            raise StorageError(f"{shown!r} has an '@' in its user or password: write it as %40.")
        return Address(shown, parsed.set(drivername="postgresql+psycopg"), path=None)
    raise StorageError(f"{shown!r} is neither SQLite nor PostgreSQL: {FORMS}.")


def read_url_file(path: str | os.PathLike[str]) -> str:
    """Return the URL that a file holds, which keeps passwords out of command lines and environments.

    Raises:
        StorageError: The file cannot be read, or holds no URL.
    """
    what = f"The file {os.fspath(path)!r}, which should hold the database's URL,"
    try:
        words = Path(path).read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StorageError(f"{what} cannot be read: {reason}; name another one.") from error
    if len(words) != 1 or not names_a_database(words[0]):
        raise StorageError(f"{what} must hold that and nothing else: {FORMS}.")
    return words[0]


def _sqlite_path(parsed: URL, url: str, shown: str) -> Path:
    written = url.partition("///")[2]
    # Not SQLAlchemy's reading of it, which loses file names that are no text.
    name = os.fsdecode(unquote_to_bytes(os.fsencode(written)))
    if parsed.host or parsed.username:
        problem = "has two slashes where an SQLite URL has three: write sqlite:///studies.db"
    elif "?" in written:
        problem = (
            "has options, which Studyhall sets itself: leave out '?' and what follows; a '?' of the file's name "
            "is written %3F"
        )
    elif name in ("", ":memory:"):
        problem = "is a database in memory, which no other process can see: name a file"
    elif written.startswith("~"):
        problem = "starts with '~', which URLs do not expand: write the path out, as in sqlite:////home/me/studies.db"
    elif "\0" in name:
        problem = "has a NUL character in it, which no file name can have: name another file"
    else:
        return Path(os.path.abspath(name))
    raise StorageError(f"{shown!r} {problem}.")
