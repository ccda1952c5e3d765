"""Where a study's files are: the one owner of their paths."""

from pathlib import Path

from studyhall.studies.database.address import parse


def artifact_location(storage_url: str, artifacts: str) -> str:
    """Return the artifact store's location, absolute where it is a folder.

    A relative folder is beside the SQLite database, so that both can be moved together; with a database
    server it starts from the working directory.

    Args:
        storage_url: The database's URL.
        artifacts: The definition's `storage.artifacts`: a folder, or a URL, which is returned as it is.

    Raises:
        StorageError: It is relative, and the database's URL cannot be read.
    """
    if "://" in artifacts:
        return artifacts
    folder = Path(artifacts).expanduser()
    if folder.is_absolute():
        return str(folder)
    database = parse(storage_url).path
    base = Path() if database is None else database.parent
    return str((base / folder).absolute())
