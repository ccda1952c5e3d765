"""What workers on several machines must share: the database and the artifact store."""

from studyhall.studies.database.address import parse
from studyhall.studies.errors import StorageError


def require_shared_database(storage_url: str, who: str) -> None:
    """Refuse a database that no other machine can see.

    Args:
        storage_url: The database.
        who: What has several machines, for the message.

    Raises:
        StorageError: It is a file of this machine.
    """
    address = parse(storage_url)
    if address.path is not None:
        raise StorageError(
            f"{address.shown!r} is a file of this machine, and {who}: use PostgreSQL, with --storage "
            "postgresql://USER@HOST/DATABASE"
        )


def remark_on_artifacts(artifacts: str) -> str | None:
    """Return a remark for people about an artifact store that may not be the same on every machine.

    It returns None for other stores.
    """
    if "://" in artifacts:
        return None
    return (
        f"The artifact store is a folder, {artifacts}: it must be the same folder on all machines, as on a network file "
        "system; else use --artifacts s3://BUCKET/PREFIX"
    )
