"""Who is logged in: signed cookies that hold a name and an end, and what was logged out since."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from studyhall.search.server.auth.identities import Identity, Role

LASTS = 7 * 24 * 3600  # s: a search may take days, and is looked at from time to time


@dataclass(frozen=True)
class Session:
    """Somebody's login in one browser; `until` is in seconds since 1970."""

    id: str
    identity: Identity
    until: float


class Sessions:
    """Signs sessions and reads them again.

    The key is random and lives as long as the process: a new start of the server logs every browser out, and
    with it everybody who was taken out of the password file. Programs have tokens, and do not notice.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._signer = URLSafeSerializer(secrets.token_bytes(32), salt="studyhall session")
        self._ended: dict[str, float] = {}  # until, by id, of what was logged out before its time

    def begin(self, identity: Identity) -> str:
        """Return the cookie's value for somebody who has just logged in."""
        content = [secrets.token_urlsafe(12), identity.name, identity.role.value, self._clock() + LASTS]
        signed: str = self._signer.dumps(content)
        return signed

    def read(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None if it is forged, over, or was ended."""
        try:
            session_id, name, role, until = self._signer.loads(cookie)
        except BadData:
            return None
        if until <= self._clock() or session_id in self._ended:
            return None
        return Session(session_id, Identity(name, Role(role)), until)

    def end(self, cookie: str) -> None:
        """Make a cookie worthless, wherever there is a copy of it."""
        session = self.read(cookie)
        if session is None:
            return
        now = self._clock()
        self._ended = {each: until for each, until in self._ended.items() if until > now}
        self._ended[session.id] = session.until
