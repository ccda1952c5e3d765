"""Authentication of every request, before any route sees it."""

import logging
from urllib.parse import quote

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studyhall.search.server.auth.access import Access, address_of, cookie_name
from studyhall.search.server.auth.identities import ANYBODY_HERE, Identity
from studyhall.search.server.auth.notices import notice, wants_html
from studyhall.search.server.auth.origins import FORWARDED, SAFE, is_foreign, is_here

LOGIN, LOGOUT = "/login", "/logout"
OPEN_TO_READ = frozenset({LOGIN, "/healthz", "/readyz"})
OPEN_TO_ALL_METHODS = frozenset({LOGIN, LOGOUT})
OPEN_FOLDER = "/static/studyhall/"

log = logging.getLogger("studyhall.server")


class AuthMiddleware:
    """ASGI middleware that sets `request.state.identity`, or answers in the application's place.

    Args:
        app: What is protected.
        access: Who may use it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # nobody here speaks it
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        answer = self._turn_away(request)
        if answer is not None:
            await answer(scope, receive, send)
            return
        if request.method not in SAFE and scope["path"] not in OPEN_TO_ALL_METHODS:
            send = _recording(request, send)
        await self._app(scope, receive, send)

    def _turn_away(self, request: Request) -> Response | None:
        """Return the answer for whoever may not come in; None for whoever may."""
        path, changes = request.scope["path"], request.method not in SAFE
        if self._access.is_open and (answer := _only_from_here(request)) is not None:
            return answer
        bearer = _bearer(request)
        identity = self._identity(request, bearer)
        request.state.identity = identity
        by_cookie = identity is not None and bearer is None and not self._access.is_open
        if changes and is_foreign(request.headers, by_browser=by_cookie):
            return notice(request, 403, "This request was sent by another site's page: refused.")
        if path in (OPEN_TO_ALL_METHODS if changes else OPEN_TO_READ) or (
            not changes and path.startswith(OPEN_FOLDER)
        ):
            return None
        if identity is None:
            return self._stranger(request, bearer)
        if changes and not identity.may_change:
            return notice(request, 403, f"{identity.name} may only read: ask an operator.")
        return None

    def _identity(self, request: Request, bearer: str | None) -> Identity | None:
        if self._access.is_open:
            return ANYBODY_HERE
        if bearer is not None:
            # Valid tokens are never slowed down, whoever else fails: with 120 bits and more they are not
            # guessed.
            return self._access.credentials.of_token(bearer)
        session = self._access.sessions.read(request.cookies.get(cookie_name(request), ""))
        return session.identity if session else None

    def _stranger(self, request: Request, bearer: str | None) -> Response:
        """Return the answer for somebody who is not known."""
        if bearer is not None:
            address = address_of(request)
            wait = self._access.throttle.wait(address)
            if wait:
                return notice(
                    request, 429, f"Too many failed logins: wait {wait} s.", {"Retry-After": str(wait)}
                )
            self._access.throttle.failed(address)
            log.warning("a token was refused, from %s", address)
        elif wants_html(request) and request.method in SAFE:
            return RedirectResponse(f"{LOGIN}?next={quote(_target(request), safe='')}", 303)
        return notice(
            request,
            401,
            "Log in, or send a token: 'Authorization: Bearer TOKEN'.",
            {"WWW-Authenticate": 'Bearer realm="studyhall"'},
        )


def _only_from_here(request: HTTPConnection) -> Response | None:
    """Refuse what reaches a server without log-in by a detour."""
    if not is_here(request.headers.get("host", "")):
        return notice(
            request, 421, "This server is for this machine alone: open it as http://localhost or 127.0.0.1."
        )
    if any(name in request.headers for name in FORWARDED):
        return notice(
            request,
            403,
            "This server is open, and was reached through a proxy: start it with --password-file or "
            "--token-file, and --proxy.",
        )
    return None


def _bearer(request: HTTPConnection) -> str | None:
    """Return the token that a program sent, or None; what a proxy asked its users for is not meant for us."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _target(request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return quote(request.scope["path"]) + (f"?{query}" if query else "")


def _recording(request: Request, send: Send) -> Send:
    """Return a `send` that writes down who changed what, and how that went."""

    async def record(message: Message) -> None:
        if message["type"] == "http.response.start":
            path = request.scope["path"]
            log.info(
                "%s, from %s: %s %s, answered %d",
                request.state.identity.name,
                address_of(request),
                request.method if request.method.isalpha() else ascii(request.method),
                path if path.isprintable() else ascii(path),
                message["status"],
            )
        await send(message)

    return record
