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
from studyhall.search.server.names import PAGE
from studyhall.search.server.pages.templating import render, static_file
from studyhall.search.server.pages.view import view_of
from studyhall.search.server.served import Served, report_of, served_of, summaries_of
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
    served = served_of(request)
    summaries = await summaries_of(served)
    if len(summaries) == 1:
        return RedirectResponse(page_url(summaries[0].name), 307, {"Cache-Control": "no-store"})
    page = render(
        "studies.html",
        studies=[(summary, phase_of(summary), page_url(summary.name)) for summary in reversed(summaries)],
        storage=served.catalogue.address.shown,
        identity=_identity(request),
    )
    return HTMLResponse(page, headers=_FRESH)


@router.api_route(f"/studies/{PAGE}", methods=["GET", "HEAD"])
async def study(name: str, request: Request) -> Response:
    """A study's page."""
    served = served_of(request)
    live = await _live_part(served, name)
    page = render(
        "study.html",
        name=name,
        title=live.title,
        url=page_url(name),
        live=Markup(live.html),  # rendered, and so escaped
        every=live.every,
        alone=served.study is not None,
        identity=_identity(request),
    )
    return HTMLResponse(page, headers=_FRESH)


@router.api_route(f"/studies/{PAGE}/live", methods=["GET", "HEAD"])
async def live(name: str, request: Request) -> Response:
    """The part of a study's page that changes, for the script that puts it in place."""
    part = await _live_part(served_of(request), name)
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


async def _live_part(served: Served, name: str) -> LivePart:
    report = await report_of(served, name)

    def draw() -> LivePart:
        view = view_of(served, report)
        html = render("live.html", view=view, report=report, summary=report.summary, goals=view.goals)
        lasting = _AS_OF.sub("", html)
        etag = f'W/"{hashlib.sha256(lasting.encode()).hexdigest()[:32]}"'
        counts = report.summary.counts
        title = f"{counts.finished}/{counts.total} {name}" if counts.total else name
        return LivePart(html, etag, view.every, title)

    return await served.cache.get(("live", name, report.at), draw)


def _identity(request: Request) -> Any:
    return getattr(request.state, "identity", None)
