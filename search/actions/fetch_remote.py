"""What `studyhall fetch` does with a server."""

import os
from pathlib import Path

from rich.console import Console

from studyhall.search.actions.fetched import fetch_and_show
from studyhall.search.remote.address import StudyAddress
from studyhall.search.remote.bundle import fetch_from_server
from studyhall.search.remote.partials import partials_folder
from studyhall.search.remote.token import token_for


def fetch_remote_bundle(
    study: str, server: str | None, token_file: Path | None, to: Path, *, force: bool, insecure: bool
) -> None:
    """Fetch a study's published bundle from a server into a folder, and say what came.

    Args:
        study: the URL of the study's page, or with a server its name.
        server: the server's URL, or None.
        token_file: what holds the token, or None for the environment's STUDYHALL_TOKEN.
        to: the folder.
        force: replace the files of a folder that is filled.
        insecure: show the token to a server where others could read it on the way.

    Raises:
        StudyhallError: the server cannot be used, has no such bundle or wants another token, the folder is in the way,
            or a file is not what was published.
    """
    address = StudyAddress.parse(study) if server is None else StudyAddress.on(server, study)
    token = token_for(address, token_file, insecure=insecure)
    try:
        fetch_and_show(lambda progress: fetch_from_server(address, token, to, force=force, progress=progress))
    except KeyboardInterrupt:
        if partials_folder(Path(os.path.realpath(to))).exists():
            Console(stderr=True).print("What has come is kept: the same command goes on from there.")
        raise
