"""The passwords and tokens that give access, compared in a time that says nothing about them."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from studyhall.search.server.auth.identities import Identity


@dataclass(frozen=True)
class Password:
    """What somebody types into the form."""

    identity: Identity
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Token:
    """What a program sends with every request."""

    identity: Identity
    secret: str = field(repr=False)


class Credentials:
    """All passwords and tokens, kept as digests under a key that lives no longer than the process.

    Args:
        passwords: Of people, by their names.
        tokens: Of programs.
    """

    def __init__(self, passwords: Sequence[Password] = (), tokens: Sequence[Token] = ()) -> None:
        self._key = secrets.token_bytes(32)
        self._passwords = [
            (self._digest(each.identity.name), self._digest(each.secret), each.identity) for each in passwords
        ]
        self._tokens = [(self._digest(each.secret), each.identity) for each in tokens]

    def __bool__(self) -> bool:
        return bool(self._passwords or self._tokens)

    @property
    def has_passwords(self) -> bool:
        """Whether people have names and passwords of their own."""
        return bool(self._passwords)

    def of_password(self, name: str, password: str) -> Identity | None:
        """Return who has this name and this password, or None.

        Every entry is looked at, found or not: the time is the same for a wrong name and for a wrong
        password.
        """
        given = self._digest(name), self._digest(password)
        found = None
        for known_name, known_secret, identity in self._passwords:
            same = hmac.compare_digest(known_name, given[0]) & hmac.compare_digest(known_secret, given[1])
            found = identity if same else found
        return found

    def of_token(self, token: str) -> Identity | None:
        """Return whose token this is, or None; every token is looked at."""
        given = self._digest(token)
        found = None
        for known, identity in self._tokens:
            found = identity if hmac.compare_digest(known, given) else found
        return found

    def _digest(self, text: str) -> bytes:
        """Return 32 bytes for a text of any length, which do not tell where two texts begin to differ."""
        return hmac.digest(self._key, text.encode("utf-8", "surrogateescape"), hashlib.sha256)
