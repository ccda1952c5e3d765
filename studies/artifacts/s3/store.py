"""The artifact store in an S3-compatible bucket: an object for each artifact, its id after the prefix."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

from studyhall.studies.artifacts.s3.errors import NoSuchArtifactError, explained
from studyhall.studies.artifacts.s3.location import S3Location
from studyhall.studies.artifacts.s3.reader import open_object
from studyhall.studies.artifacts.store import StoredFile, checked_id, is_id, missing
from studyhall.studies.errors import ArtifactError
from studyhall.studies.files import explain

PART = 8 * 1024 * 1024  # bytes
"""How much of an artifact is in memory at a time: larger ones are sent in up to 10,000 parts of this size."""

CONNECT_SECONDS = 5  # how long an endpoint may take to accept a connection
READ_SECONDS = 20  # how long it may be silent in an answer
ATTEMPTS = 3  # of each request, with pauses of up to some seconds between


class S3ArtifactStore:
    """Artifacts as objects of a bucket; without a prefix, laid out as by Optuna's Boto3ArtifactStore.

    An object appears whole or not at all, which S3 promises; a large one is put together from its parts at
    the end.

    Args:
        location: The bucket and the prefix.
    """

    def __init__(self, location: S3Location) -> None:
        self.location = location
        self._client: Any = None
        self._owner = 0  # the process that made the client: its connections are nobody else's

    def __repr__(self) -> str:
        return f"S3ArtifactStore({self.location})"

    def __str__(self) -> str:
        return str(self.location)

    def __getstate__(self) -> dict[str, Any]:
        return {"location": self.location, "_client": None, "_owner": 0}

    @property
    def client(self) -> Any:
        """boto3's client, which threads share; a process has its own."""
        if self._owner != os.getpid():
            self._client, self._owner = _connect(self.location), os.getpid()
        return self._client

    def require_bucket(self) -> None:
        """Ask for the bucket.

        Raises:
            ArtifactError: It is not there, or cannot be asked for.
        """
        client = self.client
        with explained(self.location, client):
            client.head_bucket(Bucket=self.location.bucket)

    def open_reader(self, artifact_id: str) -> BinaryIO:
        key = self.location.key(checked_id(artifact_id))
        try:
            return open_object(self.client, self.location, key)
        except NoSuchArtifactError as error:
            raise missing(artifact_id, self) from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        target = {"Bucket": self.location.bucket, "Key": self.location.key(checked_id(artifact_id))}
        first, client = self._read(content_body), self.client
        with explained(self.location, client):
            if len(first) < PART:
                client.put_object(**target, Body=first)
                return
            upload = target | {"UploadId": client.create_multipart_upload(**target)["UploadId"]}
            try:
                self._send_parts(client, upload, first, content_body)
            except BaseException:
                # Parts that cannot be taken back now are invisible; the bucket's lifecycle rule removes them.
                with suppress(ArtifactError), explained(self.location, client):
                    client.abort_multipart_upload(**upload)
                raise

    def remove(self, artifact_id: str) -> None:
        key = self.location.key(checked_id(artifact_id))
        client = self.client
        with explained(self.location, client):
            client.delete_object(Bucket=self.location.bucket, Key=key)

    def files(self) -> Iterator[StoredFile]:
        start, client = self.location.key(""), self.client
        with explained(self.location, client):
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.location.bucket, Prefix=start, Delimiter="/"
            )
            for page in pages:
                for each in page.get("Contents", ()):
                    name = each["Key"].removeprefix(start)
                    if is_id(name):
                        yield StoredFile(name, each["Size"], each["LastModified"].timestamp())

    def discard(self, name: str) -> None:
        # An object is always whole.
        raise ArtifactError(f"{name[:100]!r} is not a file that Studyhall wrote: refused.")

    def _send_parts(self, client: Any, upload: dict[str, Any], part: bytes, content_body: BinaryIO) -> None:
        parts: list[dict[str, Any]] = []
        while part:
            number = len(parts) + 1
            sent = client.upload_part(**upload, PartNumber=number, Body=part)
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            part = self._read(content_body)
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    def _read(self, content_body: BinaryIO) -> bytes:
        """Read a part from its source: fewer bytes come only at the end."""
        pieces: list[bytes] = []
        missing_bytes = PART
        try:
            while missing_bytes and (piece := content_body.read(missing_bytes)):
                pieces.append(piece)
                missing_bytes -= len(piece)
        except OSError as error:
            raise ArtifactError(
                f"Cannot read what should go to the artifact store {self}: {explain(error)}"
            ) from error
        return b"".join(pieces)


def open_s3_store(location: S3Location) -> S3ArtifactStore:
    """Open the artifact store in a bucket, which must exist.

    Raises:
        ArtifactError: boto3 is not installed, or the bucket cannot be used.
    """
    store = S3ArtifactStore(location)
    store.require_bucket()
    return store


def _connect(location: S3Location) -> Any:
    """Return a client for S3, with patience for seconds and not for minutes."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # Stores other than Amazon's do not all know the newer checksums; what is read is checked by its
        # SHA-256.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with explained(location):
        # A session of its own: the shared one is not safe where two threads make their clients at once.
        session = boto3.session.Session()
        return session.client(
            "s3", endpoint_url=location.endpoint, region_name=location.region, config=config
        )
