"""What a person means by STUDY-OR-STORAGE: a study file, a study's name, or a database."""

from dataclasses import dataclass, field

from studyhall.search.server.errors import ServerError
from studyhall.studies.database.address import parse
from studyhall.studies.database.names import names_a_database
from studyhall.studies.definition import StorageSpec
from studyhall.studies.study_file.reference import resolve_study


@dataclass(frozen=True)
class Target:
    """What is to be served: a storage, and the only study of it that our pages show, or None for all."""

    storage_url: str = field(repr=False)  # it may hold a password
    artifacts: str | None
    study: str | None


def resolve_target(
    text: str | None, storage: str | None, artifacts: str | None, *, from_command_line: bool
) -> Target:
    """Find out what is to be served; each study knows its artifact store, where none is given.

    Args:
        text: STUDY-OR-STORAGE, or None for the whole storage.
        storage: The database's URL from the flag or the environment, or None.
        artifacts: The artifact store from the flag or the environment, or None.
        from_command_line: Whether the process list shows `storage`.

    Raises:
        StudyhallError: It is a URL with a password, two databases are named, or a study file is missing or
            wrong.
    """
    if storage is not None and from_command_line:
        _require_no_password(storage)
    if text is None:
        return Target(storage or StorageSpec().url, artifacts, None)
    if not names_a_database(text):
        reference = resolve_study(text, storage, artifacts, existing=True)
        return Target(reference.storage_url, artifacts, reference.name)
    _require_no_password(text)
    if storage is not None and from_command_line:
        raise ServerError(
            "Two databases are named: leave out --storage, or name a study in place of the other."
        )
    return Target(text, artifacts, None)


def _require_no_password(url: str) -> None:
    """Refuse what every user of the machine could read as long as the server runs."""
    address = parse(url)
    if address.url.password or any("password" in name.lower() for name in address.url.query):
        raise ServerError(
            f"The password in {address.shown} would show in the process list: give the URL by STUDYHALL_STORAGE, "
            "or in a file that STUDYHALL_STORAGE_FILE names."
        )
