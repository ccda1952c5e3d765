"""Fetching a study's bundle, with a progress bar."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from studyhall.search.references import StudyReference
from studyhall.studies.artifact_store import open_artifact_store
from studyhall.studies.bundle import fetch, load_manifest
from studyhall.studies.catalogue import Catalogue
from studyhall.studies.errors import BundleError
from studyhall.studies.locations import artifact_location


def fetch_bundle(reference: StudyReference, to: Path, *, force: bool) -> None:
    """Fetch a study's published bundle into a folder, and say what came.

    Raises:
        StudyhallError: the study, its bundle or the artifact store is missing, the folder is in the way, or a file is not what was published.
    """
    with Catalogue(reference.storage_url) as catalogue:
        entry = catalogue.entry(reference.name)
    if entry.bundle is None:
        raise BundleError(
            f"'{entry.name}' has published nothing yet. Finish it with: studyhall search {entry.name}, "
            f"or publish its best trial so far with: studyhall retrain {entry.name}"
        )
    own = (entry.definition or {}).get("storage", {}).get("artifacts", "artifacts")
    artifacts = reference.artifacts or artifact_location(reference.storage_url, own)
    store = open_artifact_store(artifacts, create=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("fetching")
        folder = fetch(
            entry.bundle,
            store,
            to,
            force=force,
            progress=lambda name, done, total: bars.update(
                bar, description=name, completed=done, total=total
            ),
        )
    manifest = load_manifest(folder)
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
