"""What goes wrong with a request, as the status and the headers that its sender gets."""

from studyhall.studies.errors import ArtifactError, BundleError, StudyhallError, StudyNotFoundError

RETRY_SECONDS = 5


class NotPublishedError(BundleError):
    """A study has no bundle yet, or none with such a file."""


def status_of(error: StudyhallError) -> int:
    """Return the HTTP status that says who can help: 404 the sender, 503 the server's owner."""
    return 404 if isinstance(error, StudyNotFoundError | NotPublishedError) else 503


def headers_of(error: StudyhallError) -> dict[str, str]:
    """Return the headers that go with an answer that is only an error."""
    headers = {"Cache-Control": "no-store"}
    if status_of(error) == 503 and not isinstance(error, ArtifactError | BundleError):
        headers["Retry-After"] = str(RETRY_SECONDS)  # a database comes back; missing files do not
    return headers
