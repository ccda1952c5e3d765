"""What a server says of a study's published bundle: its manifest, and where its files are."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studyhall.search.remote.address import StudyAddress
from studyhall.search.remote.connection import Connection
from studyhall.search.remote.errors import BundleReplacedError
from studyhall.studies.bundle.fetching import BundleRecord, FileEntry
from studyhall.studies.bundle.manifest import MANIFEST, first_problem, parse_manifest
from studyhall.studies.errors import BundleError


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    url: str = Field(pattern=r"^/[^/\\]")  # a path on the same server, and nowhere else


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    study: str
    files: tuple[_File, ...]


@dataclass(frozen=True)
class Listing:
    """A published bundle on a server: its record, the files' URLs by name, and the manifest's bytes."""

    record: BundleRecord
    paths: Mapping[str, str]
    manifest: bytes


def read_listing(connection: Connection, address: StudyAddress) -> Listing:
    """Ask a server for a study's published bundle.

    Raises:
        TransientError: The server does not answer now.
        BundleReplacedError: The bundle was replaced between two answers.
        BundleError: There is none, or what answers is not a Studyhall server.
    """
    try:
        answer = _Answer.model_validate_json(connection.document(f"/api/studies/{address.path}/best"))
    except ValidationError as error:
        raise connection.foreign(first_problem(error)) from error
    content = connection.document(f"/studies/{address.path}/best/{MANIFEST}")
    try:
        manifest = parse_manifest(content, f"The {MANIFEST} of {address.study!r} on {address.server}")
    except BundleError as error:
        raise connection.foreign(str(error)) from error
    if manifest.study != address.study or answer.study != address.study:
        raise connection.foreign(f"it is of the study {manifest.study!r}, not of {address.study!r}")
    listed = {each.name: each for each in answer.files if each.name != MANIFEST}
    if {name: (each.sha256, each.size) for name, each in listed.items()} != {
        name: (entry.sha256, entry.size) for name, entry in manifest.files.items()
    }:
        raise BundleReplacedError(
            f"The bundle of {address.study!r} on {address.server} is being replaced. Run the same command again."
        )
    itself = FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content), artifact_id=MANIFEST)
    record = BundleRecord(
        study=manifest.study,
        created=manifest.created,
        value=None,
        source=manifest.source,
        trial=manifest.trial,
        manifest=itself,
        files=manifest.files,
    )
    return Listing(record, {name: each.url for name, each in listed.items()}, content)
