"""What a server serves: the studies of one storage, with their files."""

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from studyhall.search.server.cache import ShortCache
from studyhall.studies.artifacts.location import artifact_location
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.definition.recorded import recorded_artifacts
from studyhall.studies.errors import StudyNotFoundError
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.report import Report, report
from studyhall.studies.status.summary import StudySummary


@dataclass(frozen=True)
class Served:
    """What a server serves; the catalogue is open for the server's life, and its owner closes it.

    `artifacts` is the artifact store of all studies, or None for what each study's definition says. `study`
    is the only study that is shown, or None for all of the storage.
    """

    storage_url: str = field(repr=False)  # it may hold a password
    catalogue: Catalogue
    artifacts: str | None = None
    study: str | None = None
    cache: ShortCache = field(default_factory=ShortCache, compare=False, repr=False)
    """What was read a moment ago, for all who ask again."""

    def names(self) -> list[str]:
        """Return the names of the studies that are served, oldest first.

        Raises:
            StorageError: The database is away.
        """
        if self.study is not None:
            return [self.study]
        return self.catalogue.names()

    def require(self, name: str) -> str:
        """Return a study's name if it is one that is served.

        Raises:
            StudyNotFoundError: This server shows another one.
        """
        if self.study is not None and name != self.study:
            raise StudyNotFoundError(f"No study {name!r} here. This server shows {self.study!r} alone.")
        return name

    def store(self, summary: StudySummary) -> ArtifactStore:
        """Open the artifact store of a study.

        Raises:
            ArtifactError: It is missing, or cannot be used.
        """
        return self.store_of(summary.definition)

    def store_of(self, definition: object) -> ArtifactStore:
        """Open the artifact store of a study with this definition, as its record says it.

        None stands for the default.

        Raises:
            ArtifactError: It is missing, or cannot be used.
        """
        return open_artifact_store(self.artifacts or self.location_of(definition), create=False)

    def location_of(self, definition: object) -> str:
        """Return where the artifact store of a study with this definition is."""
        return artifact_location(self.storage_url, recorded_artifacts(definition))


def served_of(request: Request) -> Served:
    """Return what the application of a request serves."""
    return cast(Served, request.app.state.served)


async def report_of(served: Served, name: str) -> Report:
    """Return how a study stands, or stood a moment ago.

    Raises:
        StorageError: The database is away.
        StudyNotFoundError: There is no such study.
    """
    served.require(name)
    return await served.cache.get(("report", name), lambda: report(served.catalogue, name))


async def summaries_of(served: Served) -> list[StudySummary]:
    """Return every study that is served, oldest first, as it is or was a moment ago.

    Raises:
        StorageError: The database is away.
        StudyNotFoundError: The only study that is served is gone.
    """
    if served.study is not None:
        return [(await report_of(served, served.study)).summary]
    return await served.cache.get("summaries", served.catalogue.summaries)
