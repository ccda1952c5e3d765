"""The published bundle of a study, as it is served: its record, its manifest, and the bytes of its files."""

import hashlib
import os
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from studyhall.search.server.problems import NotPublishedError
from studyhall.search.server.served import Served
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.bundle.manifest import MANIFEST, FileEntry, Manifest, parse_manifest
from studyhall.studies.bundle.record import BundleRecord, nothing_published, read_record
from studyhall.studies.errors import ArtifactError, BundleError

_MOST_OF_A_MANIFEST = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class PublishedBundle:
    """A study's bundle, and the store that has its files."""

    record: BundleRecord
    store: ArtifactStore

    def file(self, name: str) -> FileEntry:
        """Return the entry of a file of the bundle, or of its manifest.

        Raises:
            NotPublishedError: The bundle has no file of that name.
        """
        if name == MANIFEST:
            return self.record.manifest
        if name not in self.record.files:
            names = ", ".join([MANIFEST, *self.record.files])
            raise NotPublishedError(
                f"The bundle of {self.record.study!r} has no such file. It holds: {names}."
            )
        return self.record.files[name]

    def open(self, name: str) -> tuple[FileEntry, BinaryIO]:
        """Open a file of the bundle; where the store can tell, it has the size that was published.

        Raises:
            NotPublishedError: The bundle has no file of that name.
            ArtifactError: The store cannot give it.
            BundleError: It is not the file that was published.
        """
        entry = self.file(name)
        reader = self.store.open_reader(entry.artifact_id)
        if reader.seekable():
            size = reader.seek(0, os.SEEK_END)
            reader.seek(0)
            if size != entry.size:
                reader.close()
                raise BundleError(
                    f"{name} in the artifact store should have {entry.size:,} bytes and has {size:,}. "
                    f"Publish it again with: studyhall retrain {self.record.study}"
                )
        return entry, reader

    def manifest(self) -> Manifest:
        """Read the manifest, checked.

        Raises:
            ArtifactError: The store cannot give it.
            BundleError: It is not what was published.
        """
        entry, reader = self.open(MANIFEST)
        with closing(reader):
            text = reader.read(min(entry.size, _MOST_OF_A_MANIFEST))
        if hashlib.sha256(text).hexdigest() != entry.sha256:
            raise BundleError(
                f"{MANIFEST} of '{self.record.study}' does not match its SHA-256. "
                f"Publish it again with: studyhall retrain {self.record.study}"
            )
        return parse_manifest(text, f"The {MANIFEST} of '{self.record.study}'")


def published_bundle(served: Served, name: str) -> PublishedBundle:
    """Find the bundle that a study has published last.

    Raises:
        StudyNotFoundError: There is no such study.
        NotPublishedError: It has published nothing.
        StorageError: The database is away.
        ArtifactError: The artifact store is missing.
        BundleError: The bundle's record is damaged.
    """
    served.require(name)
    found = served.catalogue.publication(name)
    if found.bundle is None:
        raise NotPublishedError(nothing_published(name, found.definition))
    return PublishedBundle(read_record(found.bundle), served.store_of(found.definition))


def read_bundle(served: Served, name: str) -> tuple[PublishedBundle, Manifest]:
    """Find a study's bundle and read its manifest; once more if another one takes its place meanwhile.

    Raises:
        StudyhallError: As `published_bundle` and `PublishedBundle.manifest`.
    """
    bundle = published_bundle(served, name)
    try:
        return bundle, bundle.manifest()
    except (ArtifactError, BundleError):
        again = published_bundle(served, name)
        if again.record == bundle.record:
            raise
        return again, again.manifest()


def open_published(served: Served, name: str, file: str) -> tuple[FileEntry, BinaryIO]:
    """Open a file of a study's bundle; once more if another bundle takes its place meanwhile.

    Raises:
        StudyhallError: As `published_bundle` and `PublishedBundle.open`.
    """
    bundle = published_bundle(served, name)
    try:
        return bundle.open(file)
    except (ArtifactError, BundleError):
        again = published_bundle(served, name)
        if again.record == bundle.record:
            raise
        return again.open(file)
