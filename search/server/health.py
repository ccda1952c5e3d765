"""Whether the server lives, and whether it can do its work.

Both answer without a login, and tell no secrets.
"""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from studyhall.search.server.served import Served, served_of
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import DEFINITION
from studyhall.studies.database.connection import require
from studyhall.studies.errors import ArtifactError, StudyhallError

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether what the server needs is there."""

    status: Literal["ok", "unavailable"]
    database: Literal["ok", "unavailable"] = Field(description="Whether the studies can be read.")
    artifacts: Literal["ok", "unavailable", "unknown"] = Field(
        description="Whether every artifact store is there; unknown as long as the database is away."
    )


@router.get("/healthz")
async def alive() -> Alive:
    """Whether the process lives; nothing else is looked at."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready."}})
async def ready(request: Request) -> Response:
    """Whether the database and the artifact stores answer."""
    served = served_of(request)
    found = await served.cache.get("ready", lambda: _look(served))
    return JSONResponse(
        found.model_dump(), 200 if found.status == "ok" else 503, {"Cache-Control": "no-store"}
    )


@router.head("/healthz", include_in_schema=False)
async def alive_without_a_body() -> Response:
    """As GET, for probes that want no body."""
    return Response()


def _look(served: Served) -> Ready:
    try:
        locations = _locations(served)
    except StudyhallError:
        return Ready(status="unavailable", database="unavailable", artifacts="unknown")
    try:
        for location in locations:
            open_artifact_store(location, create=False)
    except ArtifactError:
        return Ready(status="unavailable", database="ok", artifacts="unavailable")
    return Ready(status="ok", database="ok", artifacts="ok")


def _locations(served: Served) -> set[str]:
    """Return where the artifact stores of the studies that are served are, after a look into the database.

    Raises:
        StorageError: The database is away.
    """
    require(served.catalogue.address)  # connections that are open would go on reading a file that was removed
    found = served.catalogue.read(
        lambda connection: [
            study_rows.attributes(connection, study_id, (DEFINITION,)).get(DEFINITION)
            for name in served.names()
            if (study_id := study_rows.study_id(connection, name)) is not None
        ]
    )
    if served.artifacts is not None:
        return {served.artifacts}
    return {served.location_of(definition) for definition in found if definition is not None}
