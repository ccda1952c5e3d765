"""Artifact ids: what they may look like, and the error for one that a store does not hold."""

import functools
import re

from studyhall.studies.errors import ArtifactError

ARTIFACT_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""What an id may look like: never a path, never hidden, and valid as an object's key in S3."""


def is_id(name: str) -> bool:
    """Whether a name can be an artifact's id."""
    return re.fullmatch(ARTIFACT_ID, name) is not None


def checked_id(artifact_id: str) -> str:
    """Return an id as it is.

    Raises:
        ArtifactError: it could be more than a name.
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
