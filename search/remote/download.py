"""One file on its way from a server, which goes on where an earlier try was broken off."""

import re

from httpx import Response

from studyhall.search.remote.connection import Connection
from studyhall.search.remote.errors import BundleReplacedError, NotThereError, TransientError
from studyhall.search.remote.partials import Partials
from studyhall.studies.bundle.fetching import FileEntry, Progress
from studyhall.studies.errors import BundleMismatchError


class Download:
    """Brings the files of one bundle, one after the other.

    Args:
        connection: The server.
        partials: Where files are put, and where parts of them may be already.
        total: Bytes of all files together.
        progress: Told how far it is, or None.
    """

    def __init__(
        self, connection: Connection, partials: Partials, total: int, progress: Progress | None
    ) -> None:
        self._connection = connection
        self._partials = partials
        self._total = total
        self._progress = progress
        self._done = 0  # bytes of the files before the one in hand
        # Bytes of all files that were here at the best moment: what a try must exceed to be of use.
        self.furthest = 0

    def bring(self, name: str, entry: FileEntry, path: str) -> None:
        """Bring what is missing of a file; its bytes are not checked here, but their number is.

        Args:
            name: The file's.
            entry: Its size and its SHA-256.
            path: Where it is on the server.

        Raises:
            TransientError: The server broke off; what came is kept.
            BundleReplacedError: The server has another file there by now.
            BundleMismatchError: It sends more than there should be.
            OSError: The disk refuses.
        """
        have = self._partials.size(entry.sha256)
        if have > entry.size:  # no honest server sends so much
            have = 0
        self.furthest = max(self.furthest, self._done + have)
        self._tell(name, have)
        if have < entry.size or not self._partials.path(entry.sha256).exists():
            headers = {"Range": f"bytes={have}-", "If-Range": f'"{entry.sha256}"'} if have else {}
            try:
                with self._connection.get(path, headers) as answer:
                    self._save(answer, name, entry, have)
            except NotThereError as error:
                raise BundleReplacedError(f"{name} is gone: {error}") from error
        self._done += entry.size

    def _save(self, answer: Response, name: str, entry: FileEntry, have: int) -> None:
        """Write an answer's body behind what is here; in its place if the server sends the whole file."""
        tag = answer.headers.get("etag", "").removeprefix("W/").strip('"')
        if tag and tag != entry.sha256:
            raise BundleReplacedError(f"{name} on {self._connection.server} has just been replaced.")
        position = have if _goes_on(answer, have, entry.size) else 0
        with open(self._partials.path(entry.sha256), "ab" if position else "wb") as file:
            for chunk in answer.iter_raw():
                position += len(chunk)
                if position > entry.size:
                    raise BundleMismatchError(
                        f"{name} of the published bundle should have {entry.size:,} bytes, and "
                        f"{self._connection.server} sends more. Ask whoever runs it to look at it."
                    )
                file.write(chunk)
                self.furthest = max(self.furthest, self._done + position)
                self._tell(name, position)
        if position < entry.size:
            raise TransientError(
                f"{self._connection.server} broke the connection off. Run the same command again: it resumes the download."
            )

    def _tell(self, name: str, position: int) -> None:
        if self._progress is not None:
            self._progress(name, self._done + position, self._total)


def _goes_on(answer: Response, have: int, size: int) -> bool:
    """Whether an answer begins where the bytes that are here end; otherwise it must be the whole file."""
    if answer.status_code != 206:
        return False
    given = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", answer.headers.get("content-range", ""))
    if given is None or int(given[1]) != have or given[3] not in ("*", str(size)):
        raise BundleReplacedError(f"The server sends another part than was asked for ({answer.url.path}).")
    return True
