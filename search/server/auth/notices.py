"""Answers of a few words: JSON for programs, a small page for people."""

import base64
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, Response

_FOLDER = Path(__file__).parent / "templates"


def wants_html(connection: HTTPConnection) -> bool:
    """Whether a browser asks for a page, and not a program or a page's script for data."""
    return "text/html" in connection.headers.get("accept", "")


def notice(
    connection: HTTPConnection, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that says one thing.

    Args:
        connection: The request.
        status: The HTTP status.
        detail: One sentence or two.
        headers: To be sent with it.
    """
    if wants_html(connection):
        return page("notice.html", status, headers, detail=detail)
    return JSONResponse({"detail": detail}, status, headers)


def page(template: str, status: int, headers: Mapping[str, str] | None = None, **values: object) -> Response:
    """Return a page that is whole in itself, since whoever has not logged in may load nothing else."""
    style, policy = _style()
    text = _templates().get_template(template).render(style=style, **values)
    own = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, own | dict(headers or {}))


@functools.cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


@functools.cache
def _style() -> tuple[str, str]:
    """Return the style sheet, and the policy that allows it and nothing else."""
    style = (_FOLDER / "notices.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return style, policy
