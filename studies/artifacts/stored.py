"""What an artifact store says of a file that it holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in an artifact store.

    `name` is its artifact's id, or where it is not `whole`, what the store calls a file that a writer left when it was
    killed. `size` is in bytes, `modified` in seconds since 1970 by the store's clock.
    """

    name: str
    size: int
    modified: float
    whole: bool = True
