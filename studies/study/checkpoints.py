"""The checkpoints of a study's trials, as the database knows them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from studyhall.studies.queue import leasing, reclaiming
from studyhall.studies.queue.lease import Checkpoint, Lease
from studyhall.studies.storage.study_storage import StudyStorage


class StudyCheckpoints:
    """The checkpoints of one study's trials in a storage.

    Every method raises StorageError where the database fails.
    """

    def __init__(self, storage: StudyStorage, id: int) -> None:
        self._storage = storage
        self._id = id

    def record(self, lease: Lease, epoch: int, artifact_id: str, sha256: str) -> str | None:
        """Note where a trial can be continued; return the artifact that this replaces.

        Raises:
            LeaseLostError: The lease is over.
        """
        checkpoint = Checkpoint(epoch, artifact_id, sha256)
        replaced: list[str] = []

        def work(connection: Connection) -> str | None:
            previous = leasing.record_checkpoint(connection, lease, checkpoint)
            replaced.extend([previous] if previous is not None else [])
            return previous

        self._storage.transact(work)
        return replaced[0] if replaced else None  # done again, it finds itself

    def leftovers(self) -> list[str]:
        """Return the artifacts of checkpoints that nobody needs any more, until they are forgotten."""
        return self._storage.read(lambda connection: reclaiming.left_over(connection, self._id))

    def forget(self, artifact_ids: Sequence[str]) -> None:
        """Note that artifacts that were left over are removed."""
        self._storage.transact(lambda connection: reclaiming.forget(connection, artifact_ids))
