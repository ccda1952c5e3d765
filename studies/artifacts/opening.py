"""Open the artifact store at a location: a folder or S3."""

from studyhall.studies.artifacts.folder_store import open_folder_store
from studyhall.studies.artifacts.s3.location import SCHEME, S3Location
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import ArtifactLocationError


def open_artifact_store(location: str, *, create: bool) -> ArtifactStore:
    """Open the artifact store that a definition names.

    Args:
        location: A folder's path, a `file://` URL, or `s3://BUCKET/PREFIX`.
        create: Make a folder where it is missing, and require that it can be written to. A bucket is never
            made.

    Raises:
        ArtifactError: The location is of a kind that is not known, is missing, or cannot be used.
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
