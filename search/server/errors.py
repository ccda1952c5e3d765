"""The server's own kind of error."""

from studyhall.studies.errors import StudyhallError


class ServerError(StudyhallError):
    """A server cannot start: its address, its credentials or what it should serve cannot be used."""
