"""What may go wrong with a server and right the next time."""

from studyhall.studies.errors import BundleError, BundleRequestError


class TransientError(BundleError):
    """The server could not be reached, broke off, or has no time: worth another try.

    Args:
        message: What to say when no try is left.
        pause: Seconds that the server asks to wait, 0 where it does not say.
    """

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class BundleReplacedError(BundleError):
    """Another bundle has taken the place of the one that was being fetched."""


class NotThereError(BundleRequestError):
    """The server does not have what was asked for."""
