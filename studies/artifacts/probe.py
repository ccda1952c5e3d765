"""The probe: a small file that is written to the artifact store, read back and removed before work begins."""

import io
import secrets
from contextlib import closing

from studyhall.studies.artifacts.attachments import new_artifact_id
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import ArtifactError

SIZE = 64  # bytes
PREFIX = "probe-"
"""What a probe's id begins with, so that those of processes that were killed meanwhile can be told apart."""


def probe(store: ArtifactStore) -> None:
    """Prove that an artifact store takes a file, gives it back as it was, and removes it.

    Raises:
        ArtifactError: It does not.
    """
    artifact_id, content = f"{PREFIX}{new_artifact_id()}", secrets.token_bytes(SIZE)
    store.write(artifact_id, io.BytesIO(content))
    try:
        with closing(store.open_reader(artifact_id)) as reader:
            came = reader.read()
    finally:
        store.remove(artifact_id)
    if came != content:
        raise ArtifactError(
            f"The artifact store {store} does not give back what was written to it. Choose another in `artifacts` of the "
            "study's [storage], or check its disk."
        )
