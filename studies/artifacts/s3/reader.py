"""An object in S3, read as a file: from any position, and on from where a connection broke."""

import io
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
from urllib3.exceptions import HTTPError

from studyhall.studies.artifacts.s3.errors import explained
from studyhall.studies.artifacts.s3.location import S3Location
from studyhall.studies.errors import ArtifactError
from studyhall.studies.files import CHUNK

ATTEMPTS = 4
"""How often in a row a read may fail; each byte that arrives starts the count again."""


def open_object(client: Any, location: S3Location, key: str) -> BinaryIO:
    """Open an object; what is read is of one version of it, or the reading fails.

    Raises:
        NoSuchArtifactError: It is not there.
        ArtifactError: It cannot be had.
    """
    with explained(location, client):
        answer = client.get_object(Bucket=location.bucket, Key=key)
    return cast(BinaryIO, io.BufferedReader(_Object(client, location, key, answer), CHUNK))


class _Object(io.RawIOBase):
    """The bytes of one version of an object.

    Args:
        client: boto3's.
        location: The store.
        key: The object's.
        answer: What GetObject returned for it, whose body is at its first byte.
    """

    def __init__(self, client: Any, location: S3Location, key: str, answer: Any) -> None:
        self._client = client
        self._location = location
        self._target = {"Bucket": location.bucket, "Key": key, "IfMatch": answer["ETag"]}
        self._size = int(answer["ContentLength"])  # bytes
        self._position = 0  # where the next read begins
        self._body: Any = answer["Body"]  # what is read from, or None
        self._next = 0  # the position of the body's next byte

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"an object has no byte {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read some of what follows; 0 at the end only.

        Raises:
            ArtifactError: The store does not answer any more, or the object was replaced meanwhile.
        """
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        for _ in range(ATTEMPTS):
            try:
                chunk = self._opened().read(wanted)
            except (BotoCoreError, HTTPError, OSError):
                chunk = b""
            if chunk:
                buffer[: len(chunk)] = chunk
                self._position += len(chunk)
                self._next = self._position
                return len(chunk)
            self._let_go()  # the connection broke, or the body ended too early
        raise ArtifactError(
            f"The artifact store {self._location} broke off after {self._position:,} of {self._size:,} bytes, again and "
            "again. Check the store, then run the same command again."
        )

    def close(self) -> None:
        self._let_go()
        super().close()

    def _opened(self) -> Any:
        if self._next != self._position:
            self._let_go()
        if self._body is None:
            with explained(self._location, self._client):
                answer = self._client.get_object(**self._target, Range=f"bytes={self._position}-")
            self._body, self._next = answer["Body"], self._position
        return self._body

    def _let_go(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
