"""The publication of a bundle, in an order that keeps the bundle before it whole if it is interrupted."""

import hashlib
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from studyhall.studies.artifacts.attachments import attach, detach, new_artifact_id
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.bundle.manifest import (
    MANIFEST,
    Facts,
    FileEntry,
    Manifest,
    first_problem,
    plain_name,
    utc_now,
)
from studyhall.studies.bundle.record import BundleRecord, published
from studyhall.studies.database.attributes import BUNDLE, BUNDLE_DRAFT
from studyhall.studies.errors import ArtifactError, BundleError
from studyhall.studies.files import explain, sha256_of

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


_log = logging.getLogger(__name__)


def publish(
    folder: Path,
    facts: Facts,
    store: ArtifactStore,
    storage: "BaseStorage",
    study_id: int,
    *,
    created: datetime | None = None,
) -> BundleRecord:
    """Publish the files of a folder as the study's bundle, in place of the one before.

    The order makes it safe to be killed anywhere: a note of the ids, the files, the manifest, the record that
    makes them the published bundle, then the removal of the previous one, which is untouched until then.

    Args:
        folder: Plain files, among them model.keras and history.json; a manifest.json in it is ignored.
        facts: What the manifest is to say.
        store: Where the bytes go.
        storage: Where the records go.
        study_id: The study, as the storage numbers it.
        created: The moment to record; now by default.

    Raises:
        BundleError: The folder or the facts make no bundle, or another process publishes at the same time.
        ArtifactError: The store cannot take the files.
    """
    paths, manifest = _draw_up(folder, facts, created or utc_now())
    text = manifest.to_json().encode()
    record = BundleRecord(
        study=manifest.study,
        created=manifest.created,
        value=_number(manifest.metrics.get("validation")),
        source=manifest.source,
        trial=manifest.trial,
        manifest=_entry(text),
        files=manifest.files,
    )
    owner = _take_over(storage, study_id, record.artifact_ids)
    begun: list[str] = []
    try:
        _attach_all(storage, store, study_id, record, paths, text, begun)
        if _draft(storage, study_id)[0] != owner:
            raise BundleError(
                f"Another process is publishing the bundle of '{record.study}' too; this one stops. "
                f"See what is published with: studyhall status {record.study}"
            )
        storage.set_study_user_attr(study_id, BUNDLE, record.model_dump(mode="json"))
    except BaseException:
        # A lost connection does not say whether the record was made: only what it does not name is removed.
        # When it cannot be read, nothing is removed now, and the note is there for the next time.
        if not _published_ids(storage, study_id) & record.artifact_ids:
            for artifact_id in begun:
                detach(storage, store, artifact_id, study_id=study_id)
        raise
    try:
        _remove_unnamed(storage, store, study_id, owner)
    except ArtifactError as error:
        # The new bundle is published. That some old files remain is no reason to report a failure.
        _log.warning("Old files of the bundle of '%s' remain in the artifact store: %s", record.study, error)
    return record


def _attach_all(
    storage: "BaseStorage",
    store: ArtifactStore,
    study_id: int,
    record: BundleRecord,
    paths: Mapping[str, Path],
    manifest: bytes,
    begun: list[str],
) -> None:
    """Attach a bundle's files, the manifest last; each one's id is added to `begun` before it is attached.

    Raises:
        BundleError: A file changed since its checksum was taken.
    """
    for name, entry in record.files.items():
        begun.append(entry.artifact_id)
        attachment = attach(
            storage, store, paths[name], study_id=study_id, filename=name, artifact_id=entry.artifact_id
        )
        if (attachment.sha256, attachment.size) != (entry.sha256, entry.size):
            raise BundleError(f"{name} changed while it was being published. Publish it again.")
    begun.append(record.manifest.artifact_id)
    attach(
        storage,
        store,
        manifest,
        study_id=study_id,
        filename=MANIFEST,
        artifact_id=record.manifest.artifact_id,
    )


def unpublished(storage: "BaseStorage", study_id: int) -> tuple[str, ...]:
    """Return the ids of the artifacts that interrupted publications of a study may have left in the store."""
    current = published(storage, study_id)  # and not _published_ids: a damaged record may name any of them
    named = frozenset[str]() if current is None else current.artifact_ids
    return tuple(artifact_id for artifact_id in _draft(storage, study_id)[1] if artifact_id not in named)


def remove_unpublished(storage: "BaseStorage", store: ArtifactStore, study_id: int) -> tuple[str, ...]:
    """Remove them and return their ids; a publication that is under way gives up, with an error.

    Raises:
        ArtifactError: The store refuses.
    """
    return _remove_unnamed(storage, store, study_id, _take_over(storage, study_id, frozenset()))


def _draw_up(folder: Path, facts: Facts, created: datetime) -> tuple[dict[str, Path], Manifest]:
    """Look at a folder's files, give each an id, and write down all of it; nothing is stored yet."""
    paths: dict[str, Path] = {}
    files: dict[str, FileEntry] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.name == MANIFEST:
                continue
            if path.is_symlink() or not path.is_file():
                raise BundleError(f"A bundle holds plain files; {str(path)!r} is not one. Remove it.")
            paths[plain_name(path.name)] = path
            files[path.name] = FileEntry(
                sha256=sha256_of(path), size=path.stat().st_size, artifact_id=new_artifact_id()
            )
        return paths, Manifest(**facts.model_dump(), created=created, files=files)
    except OSError as error:
        raise BundleError(f"Cannot publish {str(folder)!r}: {explain(error)}") from error
    except ValidationError as error:
        raise BundleError(f"{str(folder)!r} is not a bundle ({first_problem(error)}).") from error
    except ValueError as error:  # from plain_name
        raise BundleError(f"{str(folder)!r} is not a bundle: {error}. Rename it.") from error


def _entry(content: bytes) -> FileEntry:
    return FileEntry(
        sha256=hashlib.sha256(content).hexdigest(), size=len(content), artifact_id=new_artifact_id()
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _published_ids(storage: "BaseStorage", study_id: int) -> frozenset[str]:
    """Return the ids of the published bundle; none for a damaged record, which a new publication replaces."""
    try:
        current = published(storage, study_id)
    except BundleError:
        return frozenset()
    return frozenset() if current is None else current.artifact_ids


def _draft(storage: "BaseStorage", study_id: int) -> tuple[str, list[str]]:
    """Return who published or cleaned up last, and the ids that this one noted down."""
    content = storage.get_study_system_attrs(study_id).get(BUNDLE_DRAFT, {"owner": "", "artifacts": []})
    return content["owner"], content["artifacts"]


def _take_over(storage: "BaseStorage", study_id: int, artifact_ids: frozenset[str]) -> str:
    """Add the ids to be used to those that are noted or published; return the owner's token."""
    owner = secrets.token_hex(8)
    noted = {*_draft(storage, study_id)[1], *artifact_ids, *_published_ids(storage, study_id)}
    storage.set_study_system_attr(study_id, BUNDLE_DRAFT, {"owner": owner, "artifacts": sorted(noted)})
    return owner


def _remove_unnamed(
    storage: "BaseStorage", store: ArtifactStore, study_id: int, owner: str
) -> tuple[str, ...]:
    """Remove every noted artifact that is not in the published bundle."""
    removed = unpublished(storage, study_id)
    for artifact_id in removed:
        detach(storage, store, artifact_id, study_id=study_id)
    storage.set_study_system_attr(study_id, BUNDLE_DRAFT, {"owner": owner, "artifacts": []})
    return removed
