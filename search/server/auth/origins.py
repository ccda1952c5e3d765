"""Where a request comes from: whether another site sent it, and whether its Host is this machine."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

SAFE = frozenset({"GET", "HEAD"})
"""Methods that change nothing, here and in optuna-dashboard.

Every other one needs an operator and our own page.
"""

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""What a reverse proxy adds to a request."""


def is_foreign(headers: Headers, *, by_browser: bool) -> bool:
    """Whether a request was, or may have been, sent by a page of another site.

    Every browser says where a request that is no GET comes from: with Sec-Fetch-Site to https and to this
    machine, else with Origin. Both must be right if both are there. Programs send neither.

    Args:
        headers: The request's.
        by_browser: Only a browser has what the request is let in for, such as a cookie: it must say one of
            the two.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return True
    if origin is not None and not _is_same(origin, headers.get("host", "")):
        return True
    return by_browser and site is None and origin is None


def _is_same(origin: str, host: str) -> bool:
    """Whether an Origin is that of a Host; the scheme is left out, as a proxy that ends TLS changes it."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower() != ""


def is_here(host: str) -> bool:
    """Whether a Host names this machine as only it can be named.

    A page elsewhere can have its own name resolve to 127.0.0.1, and is then of the same origin as this
    server; its requests carry that name. `localhost` and addresses cannot be taken over like that.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def local_path(target: str) -> str:
    """Return where to go after the login: a path on this server, or `/` for everything else."""
    plain = target.isprintable() and target.isascii() and "\\" not in target and " " not in target
    if not plain or not target.startswith("/") or target.startswith("//"):
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    return target if not parts.scheme and not parts.netloc else "/"
