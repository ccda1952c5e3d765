"""The marker: a file in a study's artifact store by which those who join the study recognise the store."""

import io
from contextlib import closing, suppress

from optuna.artifacts.exceptions import ArtifactNotFound
from sqlalchemy import Connection

from studyhall.studies.artifacts.attachments import new_artifact_id
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import STORE
from studyhall.studies.errors import ArtifactLocationError, StorageError
from studyhall.studies.storage.study_storage import StudyStorage

_NOTE = b"A study of Studyhall keeps its files here; its workers look for this one.\n"


def leave(store: ArtifactStore) -> str:
    """Put a new marker into a store, for a study that is about to be created; return its id.

    Raises:
        ArtifactError: The store cannot take it.
    """
    marker = f"marker-{new_artifact_id()}"
    store.write(marker, io.BytesIO(_NOTE))
    return marker


def take_back(storage: StudyStorage, store: ArtifactStore, name: str, marker: str) -> None:
    """Remove a marker that no study was created with; where the database does not tell, it stays."""
    with suppress(StorageError):
        if storage.read(lambda connection: marker_of(connection, name)) != marker:
            store.remove(marker)


def is_at_home(storage: StudyStorage, store: ArtifactStore, name: str) -> bool:
    """Whether a study is there, and then its store, as far as it is known, is this one.

    Raises:
        ArtifactError: Its store is another one.
    """
    there, marker = storage.read(
        lambda connection: (
            study_rows.study_id(connection, name) is not None,
            marker_of(connection, name),
        )
    )
    if marker is not None:
        try:
            with closing(store.open_reader(marker)):
                pass
        except ArtifactNotFound as error:
            raise ArtifactLocationError(
                f"The artifact store {store} is not the one that this study's other workers use: it lacks {marker}. Name theirs "
                "with --artifacts, or share its folder with this machine; to go on without a store that is lost, put an empty "
                "file of that name into this one."
            ) from error
    return there


def marker_of(connection: Connection, name: str) -> str | None:
    """Return the id of a study's marker; None if there is no such study, or it is older than markers."""
    study_id = study_rows.study_id(connection, name)
    if study_id is None:
        return None
    found: str | None = study_rows.attributes(connection, study_id, (STORE,)).get(STORE)
    return found
