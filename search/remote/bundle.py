"""Fetching a study's bundle from a server: resumed where it broke off, checked, whole or not at all."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from studyhall.search.remote.address import StudyAddress
from studyhall.search.remote.connection import Connection
from studyhall.search.remote.download import Download
from studyhall.search.remote.errors import BundleReplacedError
from studyhall.search.remote.listing import Listing, read_listing
from studyhall.search.remote.partials import Partials, open_partials
from studyhall.search.remote.retrying import persist
from studyhall.studies.bundle.fetching import BundleRecord, Progress, destination_of, fetch
from studyhall.studies.errors import BundleError, BundleMismatchError
from studyhall.studies.files import explain, write_atomically

ROUNDS = 2
"""How often a bundle is begun: again if it was replaced meanwhile, or if an earlier part was damaged."""


def fetch_from_server(
    address: StudyAddress,
    token: str | None,
    to: Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Fetch a study's bundle from a server into a folder, which appears whole and checked, or not at all.

    What has come when it is interrupted, or when its process is killed, is kept in a hidden folder beside the
    target.

    Args:
        address: The server and the study.
        token: What the server is shown, or None.
        to: The folder; it may be missing or empty.
        force: Replace the files of a folder that is filled; refused where it holds folders, as no bundle
            does.
        progress: Told how far it is.

    Returns:
        The absolute path of the folder.

    Raises:
        BundleError: The server has no such bundle, does not let this token read it, or cannot be reached
            after some tries; the files are not what was published; or the folder may not be replaced or
            cannot be written.
    """
    destination = destination_of(to, force=force)
    with Connection(address, token) as connection:
        for rest in reversed(range(ROUNDS)):
            try:
                listing = persist(lambda: read_listing(connection, address))
                with open_partials(destination) as partials:
                    return _bring(connection, partials, listing, to, force=force, progress=progress)
            except (BundleReplacedError, BundleMismatchError):
                if not rest:
                    raise
            except OSError as error:
                raise BundleError(f"Cannot fetch the bundle into {str(to)!r}: {explain(error)}") from error
    raise AssertionError("unreachable")


def _bring(
    connection: Connection,
    partials: Partials,
    listing: Listing,
    to: Path,
    *,
    force: bool,
    progress: Progress | None,
) -> Path:
    """Bring what is missing of a bundle, check all of it, and make the folder.

    Right or wrong, nothing else is kept.
    """
    record = listing.record
    partials.keep_only(entry.sha256 for entry in (record.manifest, *record.files.values()))
    with write_atomically(partials.path(record.manifest.sha256)) as temporary:
        temporary.write_bytes(listing.manifest)
    download = Download(connection, partials, sum(entry.size for entry in record.files.values()), progress)
    try:
        for name, entry in record.files.items():
            persist(partial(download.bring, name, entry, listing.paths[name]), lambda: download.furthest)
        folder = fetch(record, _Arrived(partials, record), to, force=force)
    except BundleMismatchError:
        partials.clear()
        raise
    partials.clear()
    return folder


class _Arrived:
    """The files of a bundle that have come, by the ids that its manifest has for them."""

    def __init__(self, partials: Partials, record: BundleRecord) -> None:
        self._partials = partials
        entries = (record.manifest, *record.files.values())
        self._digests: Mapping[str, str] = {entry.artifact_id: entry.sha256 for entry in entries}

    def open_reader(self, artifact_id: str) -> BinaryIO:
        return open(self._partials.path(self._digests[artifact_id]), "rb")
