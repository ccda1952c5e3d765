"""An engine: what a search hands its workers to, in place of this machine."""

from dataclasses import dataclass, field
from typing import Protocol

from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.views.progress import Progress
from studyhall.search.workers.settings import WorkerSettings
from studyhall.studies.study.study import Study


@dataclass(frozen=True)
class Assignment:
    """A study to work on, where its database and its artifacts are, and how patient its workers are."""

    study: Study
    storage_url: str = field(repr=False)
    artifacts: str
    settings: WorkerSettings


class Engine(Protocol):
    """Places workers on other machines; the study in its database is all that it and the search have in common."""

    def work(self, assignment: Assignment, progress: Progress, stop: StopSwitch) -> None:
        """Have workers work through the queue, until all have left.

        Raises:
            StudyhallError: All of them failed, or the engine did.
        """

    def leave(self, assignment: Assignment, progress: Progress, stop: StopSwitch) -> None:
        """Have workers started, and leave them to themselves.

        Raises:
            StudyhallError: None of them can work, or the engine failed.
        """
