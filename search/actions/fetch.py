"""Fetching a study's bundle from where the study is."""

from pathlib import Path

from studyhall.search.actions.fetched import fetch_and_show
from studyhall.studies.artifacts.location import artifact_location
from studyhall.studies.artifacts.store import open_artifact_store
from studyhall.studies.bundle.fetching import fetch
from studyhall.studies.errors import BundleRequestError
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.study_file.reference import StudyReference


def fetch_bundle(reference: StudyReference, to: Path, *, force: bool) -> None:
    """Fetch a study's published bundle from its artifact store into a folder, and say what came.

    Raises:
        StudyhallError: the study, its bundle or the artifact store is missing, the folder is in the way, or a file is not what was published.
    """
    with Catalogue(reference.storage_url) as catalogue:
        entry = catalogue.entry(reference.name)
    record = entry.bundle
    if record is None:
        raise BundleRequestError(
            f"'{entry.name}' has published nothing yet. Finish it with: studyhall search {entry.name}, "
            f"or publish its best trial so far with: studyhall retrain {entry.name}"
        )
    own = (entry.definition or {}).get("storage", {}).get("artifacts", "artifacts")
    artifacts = reference.artifacts or artifact_location(reference.storage_url, own)
    store = open_artifact_store(artifacts, create=False)
    fetch_and_show(lambda progress: fetch(record, store, to, force=force, progress=progress))
