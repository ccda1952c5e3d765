"""The turn to publish a study's bundle: one process has it at a time, and keeps it as long as it renews it."""

import secrets

from studyhall.studies.bundle import turn_rows
from studyhall.studies.errors import LeaseLostError
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.study.study import Study


class PublicationTurn:
    """One process's claim on publishing a study's bundle; retraining twice at once would waste one of the two.

    Every method raises StorageError where the database fails.

    Args:
        study: The study.
        holder: Who asks, for people.
        seconds: How long the turn lasts after its last renewal.
    """

    def __init__(self, study: Study, holder: str, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self._study = study
        self._holder = holder
        self._token = secrets.token_hex(16)

    def take(self) -> str | None:
        """Take the turn, and return None; or return who has it."""
        study_id, token = self._study.id, self._token
        transact = self._study.storage.transact
        if transact(
            lambda connection: turn_rows.take(connection, study_id, token, self._holder, self.seconds)
        ):
            return None
        # Who had it may have left by now: then the next call finds it free.
        other = self._study.storage.read(lambda connection: turn_rows.holder(connection, study_id))
        return other or "another process"

    def renew(self) -> None:
        """Say that the holder lives. It may be called from any thread.

        Raises:
            LeaseLostError: Another process has the turn by now.
        """
        if not self._study.storage.transact(
            lambda connection: turn_rows.renew(connection, self._study.id, self._token)
        ):
            raise LeaseLostError(
                f"Another process publishes the bundle of '{self._study.name}' by now, because this one was not heard of in time. "
                f"See what is published with: studyhall status {self._study.name}"
            )

    def leave(self) -> None:
        """Give the turn back; another's turn is left alone."""
        self._study.storage.transact(
            lambda connection: turn_rows.leave(connection, self._study.id, self._token)
        )
