"""What a database is called: a URL, or the plain name of an SQLite file."""

import os

SQLITE = "sqlite:///"
FORMS = "write a file's name, as in studies.db, or postgresql://USER@HOST/DATABASE"
"""What is said of a text that names no database."""

_SCHEMES = ("sqlite:", "postgres:", "postgresql:")  # what a URL begins with, if its slashes are forgotten too
_SUFFIXES = (".db", ".sqlite", ".sqlite3")


def is_file_name(text: str) -> bool:
    """Whether a text names a database's file as people write it, and is no URL, and no piece of one."""
    return (
        bool(text.strip())
        and not any(part in text for part in ("://", "@"))
        and not text.startswith(_SCHEMES)
    )


def names_a_database(text: str) -> bool:
    """Whether a text that may also be a study's name is a database's URL, or the name of its file."""
    return "://" in text or (is_file_name(text) and text.endswith(_SUFFIXES))


def sqlite_url(path: str | os.PathLike[str]) -> str:
    """Return the URL of an SQLite database's file, which `parse` reads as this path, whatever it consists of.

    What URLs or lines of text cannot hold is written as %XX, and all else as it is, for people to read.

    Args:
        path: The file; a relative one stays relative.
    """
    text = os.fsdecode(path)
    written = "".join(_escaped(char) if char in "%?" or not char.isprintable() else char for char in text)
    return SQLITE + (_escaped("~") + written[1:] if written.startswith("~") else written)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in os.fsencode(char))
