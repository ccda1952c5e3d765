"""The part of a file that a request asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE | re.ASCII)
_LONGEST = 20  # digits; longer numbers are no size of any file


@dataclass(frozen=True)
class ByteRange:
    """Bytes `start` to `stop`, that one not included, of a file of `size` bytes."""

    start: int
    stop: int
    size: int

    @property
    def length(self) -> int:
        """How many bytes it is."""
        return self.stop - self.start

    @property
    def header(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


class UnsatisfiableError(ValueError):
    """No byte of the file is in the range."""


def requested(header: str | None, size: int) -> ByteRange | None:
    """Return the range that a Range header asks for; None for the whole file.

    What is no single range of bytes, several of them included, is answered with the whole file, as the
    standard allows.

    Args:
        header: The header, or None where there is none.
        size: Of the file, in bytes.

    Raises:
        UnsatisfiableError: It begins after the end of the file, or asks for its last 0 bytes.
    """
    match = _SINGLE.fullmatch(header.strip()) if header is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if max(len(first), len(last)) > _LONGEST or not (first or last):
        return None
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise UnsatisfiableError
        return ByteRange(size - length, size, size)
    start, stop = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None  # no range at all
    if start >= size:
        raise UnsatisfiableError
    return ByteRange(start, stop, size)
