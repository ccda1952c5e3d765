"""Fetching a study's bundle from where the study is."""

import os
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from studyhall.search.remote.address import StudyAddress
from studyhall.search.remote.bundle import fetch_from_server
from studyhall.search.remote.partials import partials_folder
from studyhall.search.remote.token import token_for
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle import fetching
from studyhall.studies.bundle.fetching import fetch
from studyhall.studies.bundle.record import nothing_published
from studyhall.studies.definition.recorded import recorded_artifacts
from studyhall.studies.errors import BundleRequestError
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.study_file.reference import StudyReference


def fetch_bundle(reference: StudyReference, to: Path, *, force: bool) -> None:
    """Fetch a study's published bundle from its artifact store into a folder, and say what came.

    Raises:
        StudyhallError: The study, its bundle or the artifact store is missing, the folder is in the way, or a
            file is not what was published.
    """
    with Catalogue(reference.storage_url) as catalogue:
        found = catalogue.publication(reference.name)
    record = found.bundle
    if record is None:
        raise BundleRequestError(nothing_published(reference.name, found.definition))
    store = open_artifact_store(reference.store_location(recorded_artifacts(found.definition)), create=False)
    fetch_and_show(lambda progress: fetch(record, store, to, force=force, progress=progress))


def fetch_and_show(fetch: Callable[[fetching.Progress], Path]) -> None:
    """Run `fetch`, which returns the folder of a bundle, with a progress bar; then print what came."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("fetching")
        folder = fetch(
            lambda name, done, total: bars.update(bar, description=name, completed=done, total=total)
        )
    manifest = fetching.load_manifest(folder)
    out = Console()
    for name, file in manifest.files.items():
        out.print(
            f"{folder / name}  {file.size:,} bytes  sha256 {file.sha256[:12]}", markup=False, soft_wrap=True
        )
    out.print(
        f"The {manifest.source} model of trial {manifest.trial}: {manifest.why}.",
        markup=False,
        soft_wrap=True,
    )


def fetch_remote_bundle(
    study: str, server: str | None, token_file: Path | None, to: Path, *, force: bool, insecure: bool
) -> None:
    """Fetch a study's published bundle from a server into a folder, and say what came.

    Args:
        study: The URL of the study's page, or with a server its name.
        server: The server's URL, or None.
        token_file: What holds the token, or None for the environment's STUDYHALL_TOKEN.
        to: The folder.
        force: Replace the files of a folder that is filled.
        insecure: Show the token to a server where others could read it on the way.

    Raises:
        StudyhallError: The server cannot be used, has no such bundle or wants another token, the folder is in
            the way, or a file is not what was published.
    """
    address = StudyAddress.parse(study) if server is None else StudyAddress.on(server, study)
    token = token_for(address, token_file, insecure=insecure)
    try:
        fetch_and_show(lambda progress: fetch_from_server(address, token, to, force=force, progress=progress))
    except KeyboardInterrupt:
        if partials_folder(Path(os.path.realpath(to))).exists():
            Console(stderr=True).print("What was downloaded is kept: the same command resumes there.")
        raise
