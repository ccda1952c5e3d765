"""Where a study's files are: the one owner of their paths."""

from pathlib import Path

SQLITE = "sqlite:///"


def artifact_location(storage_url: str, artifacts: str) -> str:
    """Return the artifact store's location, absolute where it is a folder.

    A relative folder is beside the SQLite database, so that both can be moved together; with a database server it starts from the working
    directory.

    Args:
        storage_url: the database's URL.
        artifacts: the definition's `storage.artifacts`: a folder, or a URL, which is returned as it is.
    """
    if "://" in artifacts:
        return artifacts
    base = Path(storage_url.removeprefix(SQLITE)).parent if storage_url.startswith(SQLITE) else Path()
    return str((base / Path(artifacts).expanduser()).absolute())
