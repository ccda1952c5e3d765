"""A study that other processes work on, watched from here: what changes in the database becomes events."""

from studyhall.search.core.events import Observer, StudyProgress
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.status.summary import BestTrial, Counts
from studyhall.studies.study.study import Study


class WatchedStudy:
    """Looks at a study when asked, and tells an observer what is new.

    Args:
        study: The study.
        observe: Hears how it stands, when that has changed.
    """

    def __init__(self, study: Study, observe: Observer) -> None:
        self._study = study
        self._observe = observe
        self._counts: Counts | None = None
        self._best: BestTrial | None = None
        self._workers: tuple[WorkerSeen, ...] = ()

    def look(self) -> None:
        """Read the database, and tell what has changed since the last look."""
        counts, workers = self._study.counts(), tuple(self._study.workers.alive())
        news = counts != self._counts or _doing(workers) != _doing(self._workers)
        if counts != self._counts:
            self._best = self._study.best()
        self._counts, self._workers = counts, workers
        if news:
            self._observe(StudyProgress(counts, self._best, workers))


def _doing(workers: tuple[WorkerSeen, ...]) -> list[tuple[str, int | None, int | None]]:
    return [(each.worker, each.trial, each.epoch) for each in workers]
