"""The error of a picture that there is nothing to draw in."""

from studyhall.studies.errors import StudyhallError


class NothingToDrawError(StudyhallError):
    """A picture would be empty; the message is the reason, for a line that says what was left out."""
