"""The addresses of the pages."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from studyhall.search.server import etags
from studyhall.search.server.api.answers import page_url
from studyhall.search.server.pages.templating import render, static_file
from studyhall.search.server.pages.view import view_of
from studyhall.search.server.served import Hall, entries_of, hall_of, standing_of
from studyhall.studies.status.report import phase_of

_FRESH = {"Cache-Control": "private, no-cache"}
_AS_OF = re.compile(r'<time id="as-of".*?</time>')  # by itself no news
_YEAR = 31_536_000  # s


router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class LivePart:
    """The part of a study's page that changes while the study runs."""

    html: str
    etag: str
    every: int | None  # seconds until it is worth another look
    title: str


@router.api_route("/", methods=["GET", "HEAD"])
async def root() -> Response:
    """The way to the studies."""
    return RedirectResponse("/studies", 307, {"Cache-Control": "no-store"})


@router.api_route("/studies", methods=["GET", "HEAD"])
async def studies(request: Request) -> Response:
    """The list of studies; with one study, its page."""
    hall = hall_of(request)
    entries = await entries_of(hall)
    if len(entries) == 1:
        return RedirectResponse(page_url(entries[0].name), 307, {"Cache-Control": "no-store"})
    page = render(
        "studies.html",
        studies=[(entry, phase_of(entry), page_url(entry.name)) for entry in reversed(entries)],
        storage=hall.catalogue.address.shown,
        identity=_identity(request),
    )
    return HTMLResponse(page, headers=_FRESH)


@router.api_route("/studies/{name}", methods=["GET", "HEAD"])
async def study(name: str, request: Request) -> Response:
    """A study's page."""
    hall = hall_of(request)
    live = await _live_part(hall, name)
    page = render(
        "study.html",
        name=name,
        title=live.title,
        url=page_url(name),
        live=Markup(live.html),  # rendered, and so escaped
        every=live.every,
        alone=hall.study is not None,
        identity=_identity(request),
    )
    return HTMLResponse(page, headers=_FRESH)


@router.api_route("/studies/{name}/live", methods=["GET", "HEAD"])
async def live(name: str, request: Request) -> Response:
    """The part of a study's page that changes, for the script that puts it in place."""
    part = await _live_part(hall_of(request), name)
    headers = _FRESH | {"ETag": part.etag}
    if etags.matches(request.headers.get("If-None-Match"), part.etag):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(part.html, headers=headers)


@router.api_route("/static/studyhall/{file}", methods=["GET", "HEAD"])
async def static(file: str, request: Request) -> Response:
    """A file that the pages use."""
    found = static_file(file)
    if found is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    content, media_type, sha256 = found
    versioned = request.query_params.get("v") == sha256[:12]
    headers = {
        "ETag": f'"{sha256}"',
        "Cache-Control": f"public, max-age={_YEAR}, immutable" if versioned else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if etags.matches(request.headers.get("If-None-Match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


async def _live_part(hall: Hall, name: str) -> LivePart:
    standing = await standing_of(hall, name)

    def draw() -> LivePart:
        view = view_of(hall, standing)
        html = render("live.html", view=view, standing=standing, entry=standing.entry, plan=view.plan)
        lasting = _AS_OF.sub("", html)
        etag = f'W/"{hashlib.sha256(lasting.encode()).hexdigest()[:32]}"'
        counts = standing.entry.counts
        title = f"{counts.finished}/{counts.total} {name}" if counts.total else name
        return LivePart(html, etag, view.every, title)

    return await hall.fresh.get(("live", name, standing.at), draw)


def _identity(request: Request) -> Any:
    return getattr(request.state, "identity", None)
