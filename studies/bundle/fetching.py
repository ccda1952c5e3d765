"""The bundle: a study's best model with what describes it, fetched whole and checked, or not at all."""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from studyhall.studies.bundle.manifest import (
    MANIFEST,
    Facts,
    FileEntry,
    Manifest,
    load_manifest,
    parse_manifest,
    verify,
)
from studyhall.studies.bundle.publishing import publish, remove_unpublished, unpublished
from studyhall.studies.bundle.record import BundleRecord, published, read_record
from studyhall.studies.errors import ArtifactError, BundleError, BundleMismatchError, BundleRequestError
from studyhall.studies.files import CHUNK, explain, replace_folder_atomically

__all__ = [
    "BundleRecord",
    "Facts",
    "FileEntry",
    "Manifest",
    "Progress",
    "Source",
    "destination_of",
    "fetch",
    "load_manifest",
    "publish",
    "published",
    "remove_unpublished",
    "unpublished",
    "verify",
]

Progress = Callable[[str, int, int], None]
"""Told, again and again: the file being fetched, the bytes of the bundle so far, and the bytes in all."""


class Source(Protocol):
    """Where a bundle's files are: an artifact store, or what holds copies of some of its artifacts."""

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact's bytes; ArtifactError where they cannot be had."""
        ...


def fetch(
    record: BundleRecord | Mapping[str, Any],
    store: Source,
    to: Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Fetch a published bundle into a folder, which appears whole and checked, or not at all.

    Args:
        record: The study's user attribute `studyhall:bundle`, or what `publish` returned.
        store: The study's artifact store, or another source of its files.
        to: The folder; it may be missing or empty.
        force: Replace the files of a folder that is filled; refused where it holds folders, as no bundle
            does.
        progress: Told how far it is.

    Returns:
        The absolute path of the folder.

    Raises:
        BundleError: The folder may not be replaced or cannot be written, or the bundle is not what was
            published.
    """
    if not isinstance(record, BundleRecord):
        record = read_record(record)
    destination = destination_of(to, force=force)
    try:
        with replace_folder_atomically(destination, replace=force) as folder:
            download = _Download(store, record, folder, progress)
            download.file(MANIFEST, record.manifest)
            manifest = parse_manifest((folder / MANIFEST).read_bytes(), f"The {MANIFEST} of '{record.study}'")
            if (manifest.study, manifest.files) != (record.study, record.files):
                raise BundleError(
                    f"The {MANIFEST} of '{record.study}' is another bundle's. {download.remedy}"
                )
            for name, entry in manifest.files.items():
                download.file(name, entry)
    except OSError as error:
        raise BundleError(f"Cannot fetch the bundle into {str(to)!r}: {explain(error)}") from error
    return destination


class _Download:
    """Files of one bundle on their way from the store to a folder."""

    def __init__(self, store: Source, record: BundleRecord, folder: Path, progress: Progress | None) -> None:
        self.store = store
        self.folder = folder
        self.progress = progress
        self.done = 0  # bytes
        self.total = record.manifest.size + sum(entry.size for entry in record.files.values())  # bytes
        self.remedy = (
            "Run the same command again, in case a newer one has just taken its place; "
            f"if that does not help, publish it again with: studyhall retrain {record.study}"
        )

    def file(self, name: str, entry: FileEntry) -> None:
        """Copy one file and check its size and its SHA-256."""
        digest, size = hashlib.sha256(), 0
        try:
            with (
                closing(self.store.open_reader(entry.artifact_id)) as reader,
                open(self.folder / name, "xb") as file,
            ):
                while size <= entry.size and (chunk := reader.read(CHUNK)):
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                    self.done += len(chunk)
                    if self.progress is not None:
                        self.progress(name, min(self.done, self.total), self.total)
        except ArtifactError as error:
            raise BundleError(
                f"{name} of the published bundle cannot be read: {error} If it was published into another store, name "
                f"that with --artifacts. {self.remedy}"
            ) from error
        if size != entry.size:
            found = "more" if size > entry.size else f"{size:,}"
            raise BundleMismatchError(
                f"{name} of the published bundle should have {entry.size:,} bytes and has {found}. {self.remedy}"
            )
        if digest.hexdigest() != entry.sha256:
            raise BundleMismatchError(
                f"{name} of the published bundle does not match its SHA-256. {self.remedy}"
            )


def destination_of(to: Path, *, force: bool) -> Path:
    """Return where a bundle goes, links resolved, if a folder may be put there.

    Raises:
        BundleError: Something is there that is not replaced.
    """
    path = Path(os.path.realpath(to))
    shown = repr(str(to))
    try:
        entries = list(path.iterdir())
        is_here = os.path.samestat(path.stat(), os.stat("."))
    except FileNotFoundError:
        return path
    except NotADirectoryError as error:
        raise BundleRequestError(
            f"Cannot fetch into {shown}: a file is in the way. Name another folder."
        ) from error
    except OSError as error:
        raise BundleRequestError(f"Cannot fetch into {shown}: {explain(error)}") from error
    if is_here or path.is_mount():
        # Renaming over it would pull the folder away from under the shell, or be refused by the system.
        raise BundleRequestError(
            f"Cannot replace {shown} as a whole. Name a folder inside it: {str(to / 'best')!r}."
        )
    if entries and not force:
        raise BundleRequestError(f"{shown} is not empty. Replace it with --force, or name another folder.")
    if any(entry.is_dir() for entry in entries):
        raise BundleRequestError(
            f"{shown} holds folders, so it is not a bundle and is not replaced. Name another folder."
        )
    return path
