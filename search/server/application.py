"""The application: our pages, the API and the dashboard, behind the access control."""

import logging
from importlib.metadata import version
from typing import cast

from a2wsgi import WSGIMiddleware
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from studyhall.search.server import downloads, health, metrics
from studyhall.search.server.api import routes as api
from studyhall.search.server.auth import login
from studyhall.search.server.auth.access import Access
from studyhall.search.server.auth.headers import SecurityHeaders
from studyhall.search.server.auth.middleware import AuthMiddleware
from studyhall.search.server.auth.notices import notice
from studyhall.search.server.dashboard import Dashboard
from studyhall.search.server.pages import routes as pages
from studyhall.search.server.problems import headers_of, status_of
from studyhall.search.server.served import Served
from studyhall.studies.errors import StudyhallError

DASHBOARD_THREADS = 10  # requests to the dashboard that are worked on at a time

log = logging.getLogger("studyhall.server")


def create_application(served: Served, access: Access, dashboard: Dashboard) -> FastAPI:
    """Return the ASGI application.

    Args:
        served: What it serves.
        access: Who may use it.
        dashboard: What is at the root, where no route of ours is.
    """
    application = FastAPI(
        title="Studyhall",
        version=version("studyhall"),
        openapi_url="/api/openapi.json",
        # Their pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        exception_handlers={StudyhallError: _explained},
    )
    application.state.served = served
    application.state.access = access
    for router in (login.router, health.router, api.router, downloads.router, metrics.router, pages.router):
        application.include_router(router)
    at_the_root = WSGIMiddleware(dashboard, workers=DASHBOARD_THREADS)
    application.state.dashboard_threads = at_the_root.executor
    application.mount("/", cast(ASGIApp, at_the_root), name="dashboard")
    application.add_middleware(AuthMiddleware, access=access)
    application.add_middleware(SecurityHeaders)
    return application


def end_threads(application: FastAPI) -> None:
    """Let the threads that work for the dashboard end, and start nothing more in them."""
    application.state.dashboard_threads.shutdown(wait=False, cancel_futures=True)


async def _explained(request: Request, error: StudyhallError) -> Response:
    if status_of(error) >= 500:
        log.error("%s", error)
    return notice(request, status_of(error), str(error), headers_of(error))
