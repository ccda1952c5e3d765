"""Access: the known credentials, the sessions and the throttle of failed log-ins.

It also holds what these need to know of a request.
"""

from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from studyhall.search.server.auth.credentials import Credentials
from studyhall.search.server.auth.sessions import Sessions
from studyhall.search.server.auth.throttling import Throttle


@dataclass(frozen=True)
class Access:
    """Who may come in. Without credentials it is open, to anybody on this machine."""

    credentials: Credentials = field(default_factory=Credentials)
    sessions: Sessions = field(default_factory=Sessions)
    throttle: Throttle = field(default_factory=Throttle)

    @property
    def is_open(self) -> bool:
        """Whether nobody has to show anything."""
        return not self.credentials


def access_of(connection: HTTPConnection) -> Access:
    """Return the access control of the application that a request is for."""
    access: Access = connection.app.state.access
    return access


def address_of(connection: HTTPConnection) -> str | None:
    """Return the address that a request comes from.

    Behind a proxy that is trusted, it is the one that the proxy forwards.
    """
    return connection.client.host if connection.client else None


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser came by https, as far as this server, or a proxy that is trusted, can tell."""
    return bool(connection.scope["scheme"] == "https")


def cookie_name(connection: HTTPConnection) -> str:
    """Return the name of the session's cookie.

    Browsers send a machine's cookies to all of its ports: with the port in the name, two servers do not log
    each other's people out. `__Host-` keeps other hosts of the same domain from setting it; browsers take
    that by https only.
    """
    _, _, port = connection.headers.get("host", "").rpartition(":")
    name = f"studyhall-{port}" if port.isascii() and port.isdigit() else "studyhall"
    return f"__Host-{name}" if is_secure(connection) else name
