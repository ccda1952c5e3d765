"""The turn to publish a study's bundle: one process has it at a time, for as long as it renews it."""

import secrets

from sqlalchemy import Connection, delete, select, update

from studyhall.studies.database.dialects import insert_into, is_older, lease_now
from studyhall.studies.database.retrying import SETTLING_SECONDS
from studyhall.studies.database.studyhall_tables import publications
from studyhall.studies.database.transactions import Transactions
from studyhall.studies.errors import LeaseLostError
from studyhall.studies.queue.lease import LEASE_SECONDS


class PublicationTurn:
    """One process's claim on publishing a study's bundle: two that retrain at once would waste one's work.

    Every method raises StorageError where the database fails.

    Args:
        storage: Where the study is.
        study_id: The study.
        name: Its name, for messages.
        holder: Who asks, for people.
        seconds: How long the turn lasts after its last renewal.
    """

    def __init__(
        self, storage: Transactions, study_id: int, name: str, holder: str, seconds: float = LEASE_SECONDS
    ) -> None:
        self.seconds = seconds
        self._storage = storage
        self._study_id = study_id
        self._name = name
        self._holder = holder
        self._token = secrets.token_hex(16)

    def take(self) -> str | None:
        """Take the turn, and return None; or return who has it."""
        if self._storage.transact(
            lambda connection: _take(
                connection,
                self._study_id,
                self._token,
                self._holder,
                self.seconds,
                # After an outage of the database, who has the turn may live and not have said so yet.
                grace_seconds=SETTLING_SECONDS if self._storage.patience.is_settling else 0.0,
            )
        ):
            return None
        # Who had it may have left by now: then the next call finds it free.
        other = self._storage.read(lambda connection: _holder(connection, self._study_id))
        return other or "another process"

    def renew(self) -> None:
        """Say that the holder lives. It may be called from any thread.

        Raises:
            LeaseLostError: Another process has the turn by now.
        """
        if not self._storage.transact(lambda connection: _renew(connection, self._study_id, self._token)):
            raise LeaseLostError(
                f"Another process is publishing the bundle of '{self._name}' now, because this one was silent for too long. "
                f"See what is published with: studyhall status {self._name}"
            )

    def leave(self) -> None:
        """Give the turn back; another's turn is left alone."""
        self._storage.transact(lambda connection: _leave(connection, self._study_id, self._token))


def _take(
    connection: Connection,
    study_id: int,
    token: str,
    holder: str,
    ttl_seconds: float,
    *,
    grace_seconds: float,
) -> bool:
    """Take the turn if it is free or its holder's lease has expired; return whether it is taken.

    Args:
        connection: The transaction.
        study_id: The study.
        token: What tells this turn from every other one.
        holder: Who takes it, for people.
        ttl_seconds: How long it lasts after its last renewal.
        grace_seconds: How long after its end another's turn is still left alone.
    """
    c = publications.c
    held = {"token": token, "holder": holder, "renewed_at": lease_now(), "ttl_seconds": ttl_seconds}
    new = insert_into(connection, publications).values(study_id=study_id, **held)
    free = (c.token == token) | is_older(c.renewed_at, c.ttl_seconds + grace_seconds)
    taken = new.on_conflict_do_update(index_elements=[c.study_id], set_=held, where=free).returning(c.token)
    return connection.execute(taken).first() is not None


def _renew(connection: Connection, study_id: int, token: str) -> bool:
    """Note that the holder of a turn lives; False if it is another's by now."""
    c = publications.c
    held = update(publications).where(c.study_id == study_id, c.token == token)
    return connection.execute(held.values(renewed_at=lease_now())).rowcount == 1


def _leave(connection: Connection, study_id: int, token: str) -> None:
    """Give a turn back; nothing happens if it is another's by now."""
    c = publications.c
    connection.execute(delete(publications).where(c.study_id == study_id, c.token == token))


def _holder(connection: Connection, study_id: int) -> str | None:
    """Return who has the turn, alive or not; None if nobody."""
    c = publications.c
    return connection.scalar(select(c.holder).where(c.study_id == study_id))
