"""An assignment: what a search hands to a cluster's workers, in place of this machine's."""

from dataclasses import dataclass, field

from studyhall.search.workers.settings import WorkerSettings
from studyhall.studies.study.study import Study


@dataclass(frozen=True)
class Assignment:
    """A study to work on, where its database and its artifacts are, and how patient its workers are.

    The study in its database is all that workers on other machines and the search have in common.
    """

    study: Study
    storage_url: str = field(repr=False)
    artifacts: str
    settings: WorkerSettings
