"""The artifact store: bytes by id, under the protocol that Optuna uses, in a folder or in S3."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from studyhall.studies.errors import ArtifactError

ARTIFACT_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""What an id may look like: never a path, never hidden, and valid as an object's key in S3."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in an artifact store: an artifact, or what a writer left of one when it was killed.

    Attributes:
        id: The artifact's id; where the file is not complete, the store's own name of it.
        size: In bytes.
        modified: In seconds since 1970, by the store's clock.
        complete: Whether it is an artifact.
    """

    id: str
    size: int
    modified: float
    complete: bool = True


class ArtifactStore(Protocol):
    """Bytes by id. It satisfies Optuna's protocol of the same name, so optuna-dashboard can serve from it.

    A store may be used by several threads, after a fork, and in another process that it was pickled to. Every
    method raises ArtifactError, in one line with its remedy, when the store cannot do its work.
    """

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact's bytes for reading and seeking.

        Where there is none, the error is Optuna's ArtifactNotFound, too.
        """
        ...

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store all of `content_body`, replacing what was there; after an error nothing has changed."""
        ...

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact; one that is gone already is no error, so that a removal can be repeated."""
        ...

    def files(self) -> Iterator[StoredFile]:
        """Yield the store's artifacts, and what killed writers left of some; no other program's files."""
        ...

    def discard(self, name: str) -> None:
        """Remove what a killed writer left, by its id in `files`; one that is gone already is no error."""
        ...


def is_id(name: str) -> bool:
    """Whether a name can be an artifact's id."""
    return re.fullmatch(ARTIFACT_ID, name) is not None


def checked_id(artifact_id: str) -> str:
    """Return an id as it is.

    Raises:
        ArtifactError: It could be more than a name.
    """
    if not is_id(artifact_id):
        raise ArtifactError(f"{artifact_id[:100]!r} cannot be the id of an artifact: refused.")
    return artifact_id


def missing(artifact_id: str, store: object) -> ArtifactError:
    """Return the error for an artifact that a store does not hold: Optuna's ArtifactNotFound, too."""
    return _missing_class()(f"Artifact '{artifact_id}' is not in the artifact store {store}.")


@functools.cache
def _missing_class() -> type[ArtifactError]:
    """Return the class of that error; Optuna is imported only when it is needed."""
    from optuna.artifacts.exceptions import ArtifactNotFound

    return type("ArtifactMissingError", (ArtifactError, ArtifactNotFound), {})
