"""S3's errors, each as one line that says what helps and never shows credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import exceptions  # type: ignore[import-untyped]

from studyhall.studies.artifacts.s3.location import S3Location
from studyhall.studies.errors import ArtifactError, ArtifactLocationError
from studyhall.studies.one_line import redact

_MISSING = frozenset({"NoSuchKey", "404"})
_DENIED = frozenset({"AccessDenied", "Forbidden", "403", "AllAccessDisabled"})
_UNKNOWN = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "TokenRefreshRequired"}
)
_MAY_PASS = (exceptions.ConnectionError, exceptions.HTTPClientError)  # not what is wrong in the settings
_FULL = frozenset({"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"})


class NoSuchArtifactError(ArtifactError):
    """The store answers that it does not hold an object; its caller knows by which name people know it."""


@contextmanager
def explained(location: S3Location, client: Any = None) -> Iterator[None]:
    """Turn what goes wrong with S3 inside the block into an ArtifactError.

    Args:
        location: The store.
        client: boto3's client, where there is one yet; it knows at which address the store is.
    """
    try:
        yield
    except (exceptions.BotoCoreError, exceptions.ClientError, ValueError) as error:
        where = "its endpoint" if client is None else redact(client.meta.endpoint_url)
        if isinstance(error, exceptions.ClientError):
            raise _refused(error, location, where) from error
        passes = isinstance(error, _MAY_PASS) and not isinstance(error, exceptions.SSLError)
        kind = ArtifactError if passes else ArtifactLocationError
        raise kind(f"The artifact store {location} cannot be used: {_reason(error, where)}") from error


def _refused(error: Any, location: S3Location, where: str) -> ArtifactError:
    """Return the error for an answer that says no."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "NoSuchBucket" or (code == "404" and error.operation_name == "HeadBucket"):
        return ArtifactLocationError(
            f"There is no bucket {location.bucket!r} at {where}. Create it, or correct `artifacts` in the study's "
            "[storage]."
        )
    if code in _MISSING:
        return NoSuchArtifactError(f"The artifact store {location} does not hold that.")
    start = f"The artifact store {location} at {where}"
    if code in _DENIED:
        return ArtifactLocationError(
            f"{start} denies access ({code}). The credentials need s3:ListBucket on the bucket, and s3:GetObject, "
            "s3:PutObject and s3:DeleteObject on what is in it."
        )
    if code in _UNKNOWN:
        return ArtifactLocationError(
            f"{start} does not accept the credentials ({code}). Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or the profile that AWS_PROFILE names."
        )
    if code == "PreconditionFailed":
        return ArtifactError(
            f"An object in the artifact store {location} was replaced while it was read. Run the same command again."
        )
    if code == "RequestTimeTooSkewed":
        return ArtifactError(f"{start} rejects this machine's clock. Set the clock.")
    if code in _FULL:
        return ArtifactError(f"{start} is full ({code}). Free some space, then run the same command again.")
    return ArtifactError(
        f"{start} refuses {error.operation_name}: {code or status}. Check the store, then run the same command again."
    )


def _reason(error: Exception, where: str) -> str:
    """Return why no answer came at all."""
    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return "there are no credentials for it. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        case (
            exceptions.ProfileNotFound()
            | exceptions.ConfigParseError()
            | exceptions.CredentialRetrievalError()
        ):
            return f"{' '.join(str(error).split())}. Correct ~/.aws, or set AWS_PROFILE to another profile."
        case exceptions.SSLError():
            return (
                f"the certificate of {where} cannot be trusted. Name its authority's file with AWS_CA_BUNDLE, or correct "
                "the endpoint."
            )
        case exceptions.ReadTimeoutError():
            return f"{where} does not answer in time. Run the same command again when it does."
        case exceptions.ConnectionError() | exceptions.HTTPClientError():
            return (
                f"{where} cannot be reached. Start it, or correct the endpoint (AWS_ENDPOINT_URL, or '?endpoint=' in "
                "`artifacts`)."
            )
        case ValueError():
            return "its endpoint is not a URL. Correct AWS_ENDPOINT_URL: https://HOST:PORT."
        case _:
            return f"{type(error).__name__}. Look at AWS_ENDPOINT_URL, AWS_REGION and the credentials."
