"""Where an artifact store in S3 is: `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`, read and checked."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from studyhall.studies.errors import ArtifactLocationError

SCHEME = "s3://"

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")  # what every S3 takes as it is
_FORM = "Write s3://BUCKET/PREFIX, or s3://BUCKET/PREFIX?endpoint=https://HOST:PORT."


@dataclass(frozen=True)
class S3Location:
    """A place in an S3-compatible store.

    `prefix` comes before every artifact's id, with a slash between; it may be empty. `endpoint` is the URL of
    a store other than Amazon's, and `region` its region; None leaves them to boto3, which reads
    AWS_ENDPOINT_URL and the like.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None

    @classmethod
    def parse(cls, location: str) -> "S3Location":
        """Read the URL of an artifact store in S3; nothing is opened.

        Raises:
            ArtifactError: It is not such a URL, or has credentials in it; it is not repeated then.
        """
        try:
            parts = urlsplit(location)
            options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
            endpoint = options.pop("endpoint", None)
            region = options.pop("region", None)
            hidden = "@" in parts.netloc or (endpoint is not None and "@" in urlsplit(endpoint).netloc)
        except ValueError:
            raise ArtifactLocationError(
                f"The URL of the artifact store in S3 cannot be read. {_FORM}"
            ) from None
        if hidden:
            raise ArtifactLocationError(
                "The URL of an artifact store in S3 must hold no credentials. Set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and write s3://BUCKET/PREFIX."
            )
        if options or parts.fragment:
            # Not repeated: it may be a secret under a name of somebody's own.
            raise ArtifactLocationError(
                f"The URL of an artifact store in S3 takes the options 'endpoint' and 'region' alone. {_FORM}"
            )
        prefix = parts.path.strip("/")
        if _BUCKET.fullmatch(parts.netloc) is None or ".." in parts.netloc:
            raise ArtifactLocationError(f"{parts.netloc[:100]!r} cannot be a bucket's name. {_FORM}")
        if prefix and (_PREFIX.fullmatch(prefix) is None or {".", ".."} & set(prefix.split("/"))):
            raise ArtifactLocationError(
                f"{prefix[:100]!r} cannot be a prefix in a bucket: use letters, digits, '-', '_', '.' and '/'. {_FORM}"
            )
        if endpoint is not None and re.fullmatch(r"https?://[^\s/?#]+/?", endpoint) is None:
            raise ArtifactLocationError(
                f"The endpoint of an artifact store in S3 is not a URL of a host. {_FORM}"
            )
        if region is not None and re.fullmatch(r"[A-Za-z0-9-]{1,63}", region) is None:
            raise ArtifactLocationError(f"{region[:100]!r} cannot be a region's name.")
        return cls(parts.netloc, prefix, endpoint, region)

    def key(self, artifact_id: str) -> str:
        """Return the key of an artifact in the bucket."""
        return f"{self.prefix}/{artifact_id}" if self.prefix else artifact_id

    def __str__(self) -> str:
        return repr(SCHEME + "/".join(filter(None, (self.bucket, self.prefix))))
