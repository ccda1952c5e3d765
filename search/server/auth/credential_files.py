"""The files that hold tokens and passwords, read once, when the server starts."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from studyhall.search.server.auth.credentials import Credentials, Password, Token
from studyhall.search.server.auth.identities import Identity, Role
from studyhall.search.server.errors import ServerError
from studyhall.studies.one_line import reason, shown

MIN_TOKEN = 20  # characters: what `secrets.token_urlsafe(15)` gives, 120 bits
MIN_PASSWORD = 8  # characters
MAX_BYTES = 1_000_000  # of a file

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_ROLES = {role.value: role for role in Role}


def read_credentials(token_file: Path | None, password_file: Path | None) -> Credentials:
    """Read who may come in.

    Args:
        token_file: Lines `ROLE TOKEN`, or None.
        password_file: Lines `NAME ROLE PASSWORD`, or None; a password may hold spaces.

    In both, ROLE is reader or operator; empty lines and lines that begin with # are skipped.

    Raises:
        ServerError: A file cannot be read, may be read by others, or holds something else; secrets are never
            quoted.
    """
    tokens = list(_tokens(token_file)) if token_file else []
    passwords = list(_passwords(password_file)) if password_file else []
    return Credentials(passwords, tokens)


def _tokens(path: Path) -> Iterator[Token]:
    form = "write 'ROLE TOKEN', with the role reader or operator"
    seen = set()
    for number, line in _lines(path, form):
        words = line.split()
        if len(words) != 2 or words[0] not in _ROLES:
            raise _wrong(path, number, form)
        role, secret = _ROLES[words[0]], words[1]
        if len(secret) < MIN_TOKEN or not secret.isascii():
            raise _wrong(
                path,
                number,
                f"a token has at least {MIN_TOKEN} characters. Make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe())'",
            )
        if secret in seen:
            raise _wrong(path, number, "this token appears twice")
        seen.add(secret)
        yield Token(Identity(f"{role} token", role), secret)


def _passwords(path: Path) -> Iterator[Password]:
    form = "write 'NAME ROLE PASSWORD', with the role reader or operator"
    seen = set()
    for number, line in _lines(path, form):
        words = line.split(maxsplit=2)
        if len(words) != 3 or words[1] not in _ROLES:
            raise _wrong(path, number, form)
        name, role, secret = words[0], _ROLES[words[1]], words[2]
        if _NAME.fullmatch(name) is None:
            raise _wrong(path, number, "a name has letters, digits and . _ @ + - only, at most 64 of them")
        if len(secret) < MIN_PASSWORD:
            raise _wrong(path, number, f"a password has at least {MIN_PASSWORD} characters")
        if name in seen:
            raise _wrong(path, number, "this name appears twice")
        seen.add(name)
        yield Password(Identity(name, role), secret)


def _lines(path: Path, form: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers from 1."""
    text = _read(path)
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise ServerError(f"{shown(path)} is empty: {form}.")
    yield from lines


def _read(path: Path) -> str:
    try:
        # O_NONBLOCK: opening a named pipe would otherwise wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise ServerError(f"{shown(path)} is not a file: name one with tokens or passwords.")
            _require_private(path, found)
            return os.read(handle, MAX_BYTES).decode("utf-8")
        finally:
            os.close(handle)
    except OSError as error:
        raise ServerError(f"{shown(path)} cannot be read: {reason(error)}.") from error
    except UnicodeDecodeError:
        raise ServerError(f"{shown(path)} is not UTF-8 text: write tokens or passwords in lines.") from None


def _require_private(path: Path, found: os.stat_result) -> None:
    """Refuse what others can read.

    Root may give its group a file, which is how Kubernetes hands out secrets.
    """
    if found.st_uid not in (os.geteuid(), 0):
        raise ServerError(
            f"{shown(path)} belongs to another user, who could change it: use a file of your own."
        )
    allowed = stat.S_IRWXU | (stat.S_IRGRP if found.st_uid == 0 and os.geteuid() != 0 else 0)
    if stat.S_IMODE(found.st_mode) & ~allowed:
        raise ServerError(
            f"{shown(path)} may be read or changed by others. Run: chmod 600 {quote(shown(path))}"
        )


def _wrong(path: Path, number: int, what: str) -> ServerError:
    # The line is not quoted: what is wrong in it may be a secret.
    return ServerError(f"{shown(path)}, line {number}: {what}.")
