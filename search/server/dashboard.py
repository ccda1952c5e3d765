"""optuna-dashboard as the application at the root, with every study's artifacts."""

import io
import logging
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import optuna_dashboard
from bottle import Bottle, HTTPError  # type: ignore[import-untyped]
from optuna.artifacts.exceptions import ArtifactNotFound

from studyhall.search.server.auth.origins import SAFE
from studyhall.search.server.served import Served
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database.attributes import DEFINITION
from studyhall.studies.errors import ArtifactError
from studyhall.studies.storage.study_storage import StudyStorage, open_storage

_STUDY_OF_PATH = re.compile(r"/(?:api/)?(?:artifacts|studies)/(\d{1,18})(?:/|$)")

log = logging.getLogger("studyhall.server")


@dataclass(frozen=True)
class DashboardRoute:
    """A route of the dashboard's; `rule` is bottle's, such as `/api/studies/<study_id:int>`."""

    method: str
    rule: str

    @property
    def changes(self) -> bool:
        """Whether it may change something; none of its GETs does."""
        return self.method not in SAFE


class Dashboard:
    """The WSGI application.

    Args:
        served: What the server serves.

    Raises:
        StorageError: The database cannot be used.
    """

    def __init__(self, served: Served) -> None:
        self._storage = open_storage(served.storage_url, create=False)
        self._stores = _StoreOfTheRequest(served, self._storage)
        self._application: Bottle = optuna_dashboard.wsgi(self._storage, artifact_store=self._stores)

    @cached_property
    def routes(self) -> tuple[DashboardRoute, ...]:
        """All routes, as bottle has them."""
        return tuple(DashboardRoute(route.method, route.rule) for route in self._application.routes)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        environ.setdefault("HTTP_ACCEPT_ENCODING", "")  # which it takes for granted
        environ["wsgi.errors"] = _LogStream()
        found = _STUDY_OF_PATH.match(environ["PATH_INFO"])
        self._stores.enter(int(found[1]) if found else None)
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer

    def close(self) -> None:
        """Close the connections to the database."""
        self._storage.close()


class _StoreOfTheRequest:
    """The artifact store of the study that a request is about: the dashboard knows but one for all studies.

    What goes wrong is bottle's HTTPError, so that a missing file is a 404 and not a traceback.
    """

    def __init__(self, served: Served, storage: StudyStorage) -> None:
        self._served = served
        self._storage = storage
        self._request = threading.local()

    def enter(self, study_id: int | None) -> None:
        """Say which study this thread's request is about."""
        self._request.study_id = study_id

    def open_reader(self, artifact_id: str) -> BinaryIO:
        try:
            return self._store().open_reader(artifact_id)
        except (ArtifactError, ArtifactNotFound) as error:
            raise _refused(404, error) from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        try:
            self._store().write(artifact_id, content_body)
        except ArtifactError as error:
            raise _refused(503, error) from error

    def remove(self, artifact_id: str) -> None:
        try:
            self._store().remove(artifact_id)
        except ArtifactError as error:
            raise _refused(503, error) from error

    def _store(self) -> ArtifactStore:
        study_id = self._request.study_id
        if study_id is None:
            raise ArtifactError("This request is about no study's files.")
        try:
            definition = self._storage.get_study_user_attrs(study_id).get(DEFINITION)
        except KeyError as error:
            raise ArtifactError(f"There is no study {study_id}.") from error
        return self._served.store_of(definition)


def _refused(status: int, error: Exception) -> HTTPError:
    log.warning("%s", error)
    return HTTPError(
        status, "This file is not there." if status == 404 else "The files cannot be changed now."
    )


class _LogStream(io.TextIOBase):
    """Where bottle writes tracebacks: our log."""

    def write(self, text: str) -> int:
        log.error("the dashboard failed:\n%s", text.rstrip())
        return len(text)
