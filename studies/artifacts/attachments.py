"""Artifacts: files in the artifact store that a study or a trial has a record of, in Optuna's own format."""

import hashlib
import io
import json
import mimetypes
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import ArtifactError
from studyhall.studies.files import CHUNK, explain, sha256_of, write_atomically
from studyhall.studies.json_text import to_json

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

RECORD_PREFIX = "artifacts:"
"""Optuna's and optuna-dashboard's: the system attribute `artifacts:<id>` holds an artifact's description."""

_REMOVED = to_json(None)  # how optuna-dashboard marks a record as removed, where it cannot be deleted


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is in the store and recorded with a study or a trial."""

    artifact_id: str
    filename: str
    sha256: str
    """64 hexadecimal digits."""
    size: int
    """In bytes."""


def new_artifact_id() -> str:
    """Return a fresh id, of the form that Optuna gives and that optuna-dashboard's addresses accept."""
    return str(uuid.uuid4())


def attach(
    storage: "BaseStorage",
    store: ArtifactStore,
    source: Path | bytes,
    *,
    study_id: int | None = None,
    trial_id: int | None = None,
    filename: str | None = None,
    mimetype: str | None = None,
    artifact_id: str | None = None,
) -> Attachment:
    """Store a file and record it with a study or a running trial, for Optuna and optuna-dashboard to see.

    Args:
        storage: Where the record goes, once the bytes are in the store.
        store: Where the bytes go.
        source: A file, or the bytes themselves.
        study_id, trial_id: One of the two, as the storage numbers them.
        filename: The name to show; that of `source` by default, and needed for bytes.
        mimetype: Guessed from the name by default.
        artifact_id: A fresh one by default.

    Raises:
        ArtifactError: The file cannot be read, the store cannot take it, or the trial has ended.
        ValueError: Not exactly one of `study_id` and `trial_id`, or bytes without a name.
    """
    if (study_id is None) == (trial_id is None):
        raise ValueError("attach() takes either study_id or trial_id.")
    name = filename or (source.name if isinstance(source, Path) else "")
    if not name:
        raise ValueError("attach() needs a filename for bytes.")
    artifact_id = artifact_id or new_artifact_id()
    with _opened(source) as body:
        sha256 = hashlib.file_digest(body, "sha256").hexdigest()  # type: ignore[arg-type]  # any BinaryIO serves
        size = body.tell()
        body.seek(0)
        store.write(artifact_id, body)
    guessed, encoding = mimetypes.guess_type(name)
    description = {
        "artifact_id": artifact_id,
        "filename": name,
        "mimetype": mimetype or guessed or "application/octet-stream",
        "encoding": encoding,
    }
    key, value = RECORD_PREFIX + artifact_id, to_json(description)
    try:
        _record(storage, key, value, study_id, trial_id)
    except BaseException:
        # A lost connection does not say whether the record was made: bytes that a record may name are kept.
        if not _is_recorded(storage, key, study_id, trial_id):
            store.remove(artifact_id)
        raise
    return Attachment(artifact_id, name, sha256, size)


def copy_checked(store: ArtifactStore, artifact_id: str, sha256: str, path: Path, *, damaged: str) -> None:
    """Write an artifact to a file, which is whole or not there.

    Args:
        store: Where the artifact is.
        artifact_id: Its id.
        sha256: Its checksum, as an `Attachment` has it.
        path: The file; its folder must exist.
        damaged: What to say, with the remedy, if the store holds other bytes.

    Raises:
        ArtifactError: The store lacks it, or holds other bytes.
    """
    with write_atomically(path) as temporary:
        with store.open_reader(artifact_id) as source, open(temporary, "wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
        if sha256_of(temporary) != sha256:
            raise ArtifactError(damaged)


def attached(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids of the artifacts that system attributes record, by the names of their files."""
    return {filename: artifact_id for artifact_id, filename in recorded(attributes).items()}


def recorded(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the files that system attributes record, by the ids of their artifacts."""
    descriptions = (
        json.loads(value)
        for key, value in attributes.items()
        if key.startswith(RECORD_PREFIX) and value != _REMOVED
    )
    return {each["artifact_id"]: each["filename"] for each in descriptions}


def detach(storage: "BaseStorage", store: ArtifactStore, artifact_id: str, *, study_id: int) -> None:
    """Remove an artifact of a study: first its record, so that none ever names missing bytes, then the bytes.

    Raises:
        ArtifactError: The store refuses.
    """
    key = RECORD_PREFIX + artifact_id
    if storage.get_study_system_attrs(study_id).get(key, _REMOVED) != _REMOVED:
        delete = getattr(storage, "delete_study_system_attr", None)
        if delete is None:
            storage.set_study_system_attr(study_id, key, _REMOVED)
        else:
            # Better than the mark, which optuna.artifacts.get_all_artifact_meta() fails on.
            delete(study_id, key)
    store.remove(artifact_id)


def _record(storage: "BaseStorage", key: str, value: str, study_id: int | None, trial_id: int | None) -> None:
    if study_id is not None:
        storage.set_study_system_attr(study_id, key, value)
    if trial_id is not None:
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            storage.set_trial_system_attr(trial_id, key, value)
        except UpdateFinishedTrialError as error:
            raise ArtifactError(
                "A trial that has ended takes no more artifacts. Attach the file to its study instead."
            ) from error


def _is_recorded(storage: "BaseStorage", key: str, study_id: int | None, trial_id: int | None) -> bool:
    try:
        if study_id is not None:
            return key in storage.get_study_system_attrs(study_id)
        return trial_id is not None and key in storage.get_trial_system_attrs(trial_id)
    except KeyError:  # no such study or trial, or no longer
        return False


@contextmanager
def _opened(source: Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        body = source.open("rb")
    except OSError as error:
        raise ArtifactError(f"Cannot read {str(source)!r} to store it: {explain(error)}") from error
    with body:
        yield body
