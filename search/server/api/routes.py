"""The API's addresses."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool

from studyhall.search.server.api import answers, models
from studyhall.search.server.bundles import read_bundle
from studyhall.search.server.names import STUDY
from studyhall.search.server.served import report_of, served_of, summaries_of
from studyhall.studies.status.trial_pages import MOST, trial_page

_AWAY: dict[int | str, dict[str, Any]] = {
    503: {"model": models.Problem, "description": "The database or the artifact store is away."}
}
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "No such study."}}

router = APIRouter(prefix="/api", tags=["studies"], responses=_AWAY)

Name = Annotated[
    str,
    Path(description="The study's name; one of digits alone is not served here.", examples=["quickstart"]),
]


@router.get("/overview")
async def overview(request: Request) -> models.Overview:
    """Every study that this server shows, oldest first."""
    served = served_of(request)
    summaries = await summaries_of(served)
    return models.Overview(
        storage=served.catalogue.address.shown,
        studies=[answers.study_summary(summary) for summary in summaries],
    )


@router.get(f"/studies/{STUDY}", responses=_MISSING)
async def study(name: Name, request: Request) -> models.StudyReport:
    """How a study stands: its trials, workers and failures, how fast it goes and how long it will take."""
    return answers.study_report(await report_of(served_of(request), name))


@router.get(f"/studies/{STUDY}/trials", responses=_MISSING)
def trials(
    name: Name,
    request: Request,
    state: Annotated[
        list[models.State] | None, Query(description="Only trials in one of these states.")
    ] = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="How many trials to leave out.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many trials to return.")] = 100,
    order: Annotated[Literal["oldest", "newest"], Query(description="Which trial comes first.")] = "oldest",
) -> models.Trials:
    """The trials of a study, a page at a time, by their numbers."""
    served = served_of(request)
    served.require(name)
    page = served.catalogue.read(
        lambda connection: trial_page(
            connection,
            served.catalogue.id_of(connection, name),
            states=state or (),
            offset=offset,
            limit=limit,
            newest_first=order == "newest",
        )
    )
    return answers.trials(name, page, offset, limit)


@router.get(f"/studies/{STUDY}/workers", responses=_MISSING)
async def workers(name: Name, request: Request) -> models.Workers:
    """The workers of a study that are alive, the oldest first."""
    report = await report_of(served_of(request), name)
    return models.Workers(study=name, workers=answers.workers(report.summary))


@router.get(f"/studies/{STUDY}/best", responses=_MISSING, tags=["bundle"])
async def best(name: Name, request: Request) -> models.Best:
    """The published bundle of a study: its manifest, and where its files are."""
    served = served_of(request)
    bundle, manifest = await run_in_threadpool(read_bundle, served, name)
    return answers.best(bundle, manifest)
