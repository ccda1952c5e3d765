"""What every answer tells the browser about how much to trust it."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FILES = "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""For files of workers and users: an HTML or SVG file that is opened must not act as our page."""

# Added to what the dashboard says itself.
CLOSED = "; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

_SAME_FOR_ALL = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with that, a form of ours would be sent with `Origin: null`, as if from nowhere.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SecurityHeaders:
    """ASGI middleware that completes the headers of every answer.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self._app(scope, receive, complete)


def _complete(headers: MutableHeaders, path: str) -> None:
    for name, value in _SAME_FOR_ALL.items():
        headers[name] = value
    del headers["access-control-allow-origin"]  # optuna-dashboard opens artifacts to every site
    del headers["date"]  # uvicorn says it, too
    policy = headers.get("content-security-policy")
    if path.startswith("/artifacts/"):
        headers["content-security-policy"] = FILES
    elif policy is None:
        headers["content-security-policy"] = OWN_PAGES
    elif "frame-ancestors" not in policy:
        headers["content-security-policy"] = policy + CLOSED
    headers.setdefault("cache-control", "private, no-cache")
