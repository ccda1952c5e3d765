"""How studies stand, put into the API's words."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import quote

from studyhall.search.server.api import models
from studyhall.search.server.bundles import PublishedBundle
from studyhall.search.server.names import segment
from studyhall.studies.bundle.manifest import Manifest
from studyhall.studies.json_text import finite
from studyhall.studies.status.goals import goals_of
from studyhall.studies.status.report import Report, failures_of, phase_of
from studyhall.studies.status.summary import StudySummary
from studyhall.studies.status.trial_pages import TrialPage, TrialRow


def page_url(name: str) -> str:
    """Return the address of a study's page on this server."""
    return f"/studies/{segment(name)}"


def file_url(name: str, file: str) -> str:
    """Return the address of a file of a study's bundle on this server."""
    return f"{page_url(name)}/best/{quote(file, safe='')}"


def study_summary(summary: StudySummary) -> models.StudySummary:
    """Return a study in a few numbers."""
    return models.StudySummary(**_summary(summary))


def study_report(report: Report) -> models.StudyReport:
    """Return how a study stands."""
    summary, epochs = report.summary, report.epochs_of_trial
    throughput, left = report.throughput, report.time_left
    return models.StudyReport(
        **_summary(summary),
        id=report.study_id,
        description=goals_of(summary.definition).description,
        at=datetime.fromtimestamp(report.at, UTC),
        seconds=report.seconds,
        epochs=report.epochs,
        trial_seconds=report.trial_seconds,
        throughput=None
        if throughput is None
        else models.Throughput(
            trials=throughput.trials, seconds=throughput.seconds, per_hour=throughput.per_hour
        ),
        time_left=None if left is None else models.TimeLeft(seconds=left.seconds, basis=left.basis),
        expired=summary.expired,
        stopping=summary.stopping,
        workers=workers(summary),
        running=[models.Running(**(finite(asdict(each)) | {"epochs": epochs})) for each in report.running],
        rungs=[models.Rung(**asdict(each)) for each in summary.rungs],
        front=[
            models.FrontMember(
                number=each.number,
                values=[finite(value) for value in each.values],
                hyperparameters=finite(each.hyperparameters),
            )
            for each in summary.front
        ],
        definition=finite(summary.definition) if isinstance(summary.definition, dict) else None,
    )


def workers(summary: StudySummary) -> list[models.Worker]:
    """Return the workers of a study that are alive."""
    return [models.Worker(**finite(asdict(each))) for each in summary.workers]


def trials(study: str, page: TrialPage, offset: int, limit: int) -> models.Trials:
    """Return a page of trials."""
    return models.Trials(
        study=study,
        total=page.total,
        offset=offset,
        limit=limit,
        trials=[_trial(each) for each in page.trials],
    )


def best(bundle: PublishedBundle, manifest: Manifest) -> models.Best:
    """Return a study's bundle."""
    study = bundle.record.study
    return models.Best(
        study=study,
        manifest=finite(manifest.content()),
        files=[
            models.BundleFile(name=name, size=file.size, sha256=file.sha256, url=file_url(study, name))
            for name, file in bundle.record.files.items()
        ],
    )


def _summary(summary: StudySummary) -> dict[str, Any]:
    counts, found = summary.counts, summary.best
    return {
        "name": summary.name,
        "phase": phase_of(summary),
        "metric": goals_of(summary.definition).metric,
        "direction": cast(Literal["minimize", "maximize"], summary.direction),
        "counts": models.TrialCounts(**asdict(counts), total=counts.total),
        "best": found
        and models.BestTrial(
            number=found.number,
            value=finite(found.value),
            hyperparameters=finite(dict(found.hyperparameters)),
            pruned_after=found.pruned_after,
        ),
        "failures": failures_of(summary),
        "created": summary.created,
        "active": summary.active,
        "published": summary.bundle is not None,
        "url": page_url(summary.name),
    }


def _trial(row: TrialRow) -> models.Trial:
    return models.Trial(**finite(asdict(row)))
