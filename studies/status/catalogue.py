"""What is in a storage, read without Optuna: for commands that answer at once and change nothing."""

import shlex
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, inspect

from studyhall.did_you_mean import closest, suggested
from studyhall.studies.database import study_rows, studyhall_tables
from studyhall.studies.database.address import parse
from studyhall.studies.database.attributes import BUNDLE, CREATED, DEFINITION, EXHAUSTED, SIGNATURE
from studyhall.studies.database.connection import connect, explained, require
from studyhall.studies.database.retrying import Patience, persist
from studyhall.studies.errors import StudyConflictError, StudyNotFoundError
from studyhall.studies.queue import flags, reclaiming, workers
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.status import queries
from studyhall.studies.status.goals import schedule_of
from studyhall.studies.status.rungs import count_rungs
from studyhall.studies.status.silent_trials import silent_trials
from studyhall.studies.status.summary import Publication, StudySummary

_SHOWN_NAMES = 8

T = TypeVar("T")


class Catalogue:
    """A storage, to be read; use it as a context manager.

    Raises:
        StorageError: The storage cannot be read, or does not exist: nothing is ever created.
    """

    def __init__(self, url: str) -> None:
        self.address = parse(url)
        require(self.address)
        self._engine = connect(self.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads.

        Raises:
            StorageError: The storage cannot be read.
        """
        with explained(self.address), self._engine.connect() as connection:
            return work(connection)

    def names(self) -> list[str]:
        """Return the names of all studies, oldest first."""
        with explained(self.address), self._engine.connect() as connection:
            return study_rows.study_names(connection)

    def holds(self, name: str, patience: Patience | None = None) -> bool:
        """Whether there is a study of that name; a server's database that was never used holds none.

        Raises:
            StorageError: The storage cannot be read, or is away for longer than `patience`; None does not
                wait.
        """

        def look() -> bool:
            with self._engine.connect() as connection:
                return inspect(connection).has_table("studies") and name in study_rows.study_names(connection)

        with explained(self.address):
            return persist(self.address, patience or Patience(), look)

    def summaries(self) -> list[StudySummary]:
        """Return all studies, oldest first."""
        with explained(self.address), self._engine.connect() as connection:
            found = (
                (name, study_rows.study_id(connection, name)) for name in study_rows.study_names(connection)
            )
            return [
                read_summary(connection, name, study_id) for name, study_id in found if study_id is not None
            ]

    def summary(self, name: str) -> StudySummary:
        """Return one study.

        Raises:
            StudyNotFoundError: The storage holds none of that name.
        """
        return self.read(lambda connection: read_summary(connection, name, self.id_of(connection, name)))

    def publication(self, name: str) -> Publication:
        """Return what a study has published.

        Raises:
            StudyNotFoundError: The storage holds none of that name.
        """

        def look(connection: Connection) -> Publication:
            study_id = self.id_of(connection, name)
            found = study_rows.attributes(connection, study_id, (BUNDLE, DEFINITION))
            return Publication(found.get(BUNDLE), found.get(DEFINITION))

        return self.read(look)

    def id_of(self, connection: Connection, name: str) -> int:
        """Return a study's number in the storage.

        Raises:
            StudyNotFoundError: The storage holds none of that name.
        """
        study_id = study_rows.study_id(connection, name)
        if study_id is None:
            raise not_found(name, study_rows.study_names(connection), self.address.shown)
        return study_id


def read_summary(connection: Connection, name: str, study_id: int) -> StudySummary:
    """Return a study by its number."""
    directions = study_rows.directions(connection, study_id)
    found = study_rows.attributes(connection, study_id, (DEFINITION, SIGNATURE, CREATED, BUNDLE, EXHAUSTED))
    created = found.get(CREATED)
    # Older databases get it when they are worked on.
    leased = inspect(connection).has_table(studyhall_tables.leases.name)
    return StudySummary(
        name=name,
        direction=directions[0],
        definition=found.get(DEFINITION),
        signature=found.get(SIGNATURE),
        counts=queries.counts(connection, study_id, pauses=schedule_of(found.get(DEFINITION)) is not None),
        best=queries.best(connection, study_id, directions[0]),
        created=None if created is None else datetime.fromisoformat(created),
        active=queries.last_activity(connection, study_id),
        bundle=found.get(BUNDLE),
        failures=queries.failures(connection, study_id),
        front=queries.front(connection, study_id, directions),
        rungs=count_rungs(connection, study_id, found.get(DEFINITION)),
        exhausted=Exhausted(**found[EXHAUSTED]) if EXHAUSTED in found else None,
        expired=reclaiming.count_expired(connection, study_id, LEASE_SECONDS) if leased else 0,
        silent=silent_trials(connection, study_id) if leased else (),
        stopping=flags.is_requested(connection, study_id),
        workers=workers.alive(connection, study_id, LEASE_SECONDS) if leased else [],
    )


def foreign(name: str, shown: str) -> StudyConflictError:
    """Return the error for a study that another program made with Optuna, and what can be done with it."""
    quoted = shlex.quote(name)
    return StudyConflictError(
        f"Study {name!r} in {shown} was made by plain Optuna, so no study file says what its trials train. It can be looked at, with "
        f"studyhall status {quoted} and studyhall serve {quoted}; a study of Studyhall's needs another name."
    )


def not_found(name: str, names: Sequence[str], shown: str) -> StudyNotFoundError:
    """Return the error for a study that a storage does not hold, with the closest of those that it does."""
    held = "nothing"
    if names:
        close = closest(name, names, most=_SHOWN_NAMES, cutoff=0.0)
        others = len(names) - len(close)
        held = ", ".join(close) + (f" and {others} more" if others else "")
    near = closest(name, names)
    hint = f"; {suggested(near)}" if near else "."
    return StudyNotFoundError(
        f"No study {name!r} in {shown}{hint} It holds: {held}. Create it with: studyhall search STUDY.toml"
    )
