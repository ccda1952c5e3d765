"""The artifact store: bytes by id, under the protocol that Optuna uses, in a folder or in S3."""

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from studyhall.studies.artifacts.artifact_ids import ARTIFACT_ID
from studyhall.studies.artifacts.folder_store import FileArtifactStore, open_folder_store
from studyhall.studies.artifacts.s3.location import SCHEME, S3Location
from studyhall.studies.artifacts.stored import Stored
from studyhall.studies.errors import ArtifactLocationError

__all__ = ["ARTIFACT_ID", "ArtifactStore", "FileArtifactStore", "open_artifact_store"]


class ArtifactStore(Protocol):
    """Bytes by id. It satisfies Optuna's protocol of the same name, so optuna-dashboard can serve from it.

    A store may be used by several threads, after a fork, and in another process that it was pickled to. Every
    method raises ArtifactError, in one line with its remedy, when the store cannot do its work.
    """

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact's bytes, which can be sought in; one that is not there is Optuna's ArtifactNotFound too."""
        ...

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store all of `content_body`, replacing what was there; after an error nothing has changed."""
        ...

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact; one that is gone already is no error, so that a removal can be repeated."""
        ...

    def entries(self) -> Iterator[Stored]:
        """Yield what the store holds: artifacts, and what killed writers left of some; nothing that is others'."""
        ...

    def discard(self, name: str) -> None:
        """Remove what a killed writer left, by its name in `entries`; one that is gone already is no error."""
        ...


def open_artifact_store(location: str, *, create: bool) -> ArtifactStore:
    """Open the artifact store that a definition names.

    Args:
        location: a folder's path, a `file://` URL, or `s3://BUCKET/PREFIX`.
        create: make a folder where it is missing, and require that it can be written to. A bucket is never made.

    Raises:
        ArtifactError: the location is of a kind that is not known, is missing, or cannot be used.
    """
    if location.lower().startswith(SCHEME):
        parsed = S3Location.parse(location)
        try:
            from studyhall.studies.artifacts.s3.store import open_s3_store
        except ModuleNotFoundError as error:
            if error.name not in ("boto3", "botocore"):
                raise
            raise ArtifactLocationError(
                f"The artifact store {parsed} needs boto3. Install it with: pip install 'studyhall[s3]'"
            ) from None
        return open_s3_store(parsed)
    return open_folder_store(location, create=create)
