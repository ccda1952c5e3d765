"""The workers of a study."""

from sqlalchemy import Connection

from studyhall.studies.queue import flags, workers
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.storage.study_storage import StudyStorage


class StudyWorkers:
    """The workers of one study in a storage.

    Every method raises StorageError where the database fails.
    """

    def __init__(self, storage: StudyStorage, id: int) -> None:
        self._storage = storage
        self._id = id

    def register(self, worker: str, *, host: str, pid: int, device: str) -> None:
        """Note a worker that begins; `worker` is its name, which no other has."""
        self._storage.transact(
            lambda connection: workers.register(connection, self._id, worker, host, pid, device)
        )

    def seen(self, worker: str) -> bool:
        """Note that a worker lives that holds no trial; return whether workers are asked to leave."""

        def work(connection: Connection) -> bool:
            workers.note(connection, worker)
            return flags.is_requested(connection, self._id)

        return self._storage.transact(work)

    def dismiss(self, worker: str) -> None:
        """Forget a worker that leaves."""
        self._storage.transact(lambda connection: workers.dismiss(connection, worker))

    def alive(self, within_seconds: float = LEASE_SECONDS) -> list[WorkerSeen]:
        """Return the workers that gave a sign of life in so many seconds, the oldest first."""
        return self._storage.read(lambda connection: workers.alive(connection, self._id, within_seconds))
