"""The file that tells Slurm's workers where the database is."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Self

from studyhall.search.clusters.slurm.script import SlurmError
from studyhall.studies.database.address import parse, read_url_file
from studyhall.studies.one_line import reason, shown


@dataclass(frozen=True)
class StorageFile:
    """A file that holds the database's URL, and the URL; `path` is absolute."""

    path: Path
    url: str = field(repr=False)

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Read a file that nobody else can read.

        Raises:
            StudyhallError: There is no such file, others may read it, or what it names does not suit several
                machines.
        """
        if path is None:
            raise SlurmError(
                "Slurm's workers read the database's URL from a file: write it into one that only you can read "
                "(chmod 600), and name that with --storage-file or STUDYHALL_STORAGE_FILE."
            )
        _require_private(path)
        url = read_url_file(path)
        address = parse(url)
        if address.path is not None:
            raise SlurmError(
                f"{address.shown} is SQLite, which is not safe on a file system that machines share: Slurm's workers "
                "need PostgreSQL. On one machine, use: studyhall worker STUDY --workers N"
            )
        return cls(path.absolute(), url)


def _require_private(path: Path) -> None:
    """Check that a file is this user's own, and that nobody else can read it.

    Raises:
        SlurmError: It is not.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise SlurmError(
            f"{shown(path)}, which should hold the database's URL, cannot be read: {reason(error)}."
        ) from error
    if found.st_uid != os.geteuid():
        raise SlurmError(
            f"{shown(path)} belongs to another user, who could change it: use a file of your own."
        )
    if stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise SlurmError(
            f"{shown(path)} may be read or changed by others. Run: chmod 600 {quote(shown(path))}"
        )
