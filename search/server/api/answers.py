"""How studies stand, put into the API's words."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import quote

from studyhall.search.server.api import models
from studyhall.search.server.bundles import PublishedBundle
from studyhall.studies.bundle.manifest import Manifest
from studyhall.studies.json_text import finite
from studyhall.studies.status.goals import plan_of
from studyhall.studies.status.report import Standing, failures_of, phase_of
from studyhall.studies.status.summary import Entry
from studyhall.studies.status.trial_pages import TrialPage, TrialRow


def page_url(name: str) -> str:
    """Return the address of a study's page on this server."""
    return f"/studies/{quote(name, safe='')}"


def file_url(name: str, file: str) -> str:
    """Return the address of a file of a study's bundle on this server."""
    return f"{page_url(name)}/best/{quote(file, safe='')}"


def summary(entry: Entry) -> models.StudySummary:
    """Return a study in a few numbers."""
    return models.StudySummary(**_summary(entry))


def report(standing: Standing) -> models.StudyReport:
    """Return how a study stands."""
    entry, epochs = standing.entry, standing.epochs_of_trial
    throughput, left = standing.throughput, standing.time_left
    return models.StudyReport(
        **_summary(entry),
        id=standing.study_id,
        description=plan_of(entry.definition).description,
        at=datetime.fromtimestamp(standing.at, UTC),
        seconds=standing.seconds,
        epochs=standing.epochs,
        trial_seconds=standing.trial_seconds,
        throughput=None
        if throughput is None
        else models.Throughput(
            trials=throughput.trials, seconds=throughput.seconds, per_hour=throughput.per_hour
        ),
        time_left=None if left is None else models.TimeLeft(seconds=left.seconds, basis=left.basis),
        expired=entry.expired,
        stopping=entry.stopping,
        workers=workers(entry),
        running=[models.Running(**(finite(asdict(each)) | {"epochs": epochs})) for each in standing.running],
        front=[
            models.FrontMember(
                number=each.number,
                values=[finite(value) for value in each.values],
                hyperparameters=finite(each.hyperparameters),
            )
            for each in entry.front
        ],
        definition=finite(entry.definition) if isinstance(entry.definition, dict) else None,
    )


def workers(entry: Entry) -> list[models.Worker]:
    """Return the workers of a study that are alive."""
    return [models.Worker(**finite(asdict(each))) for each in entry.workers]


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
            models.BundleFile(name=name, size=entry.size, sha256=entry.sha256, url=file_url(study, name))
            for name, entry in bundle.record.files.items()
        ],
    )


def _summary(entry: Entry) -> dict[str, Any]:
    counts, found = entry.counts, entry.best
    return {
        "name": entry.name,
        "phase": phase_of(entry),
        "metric": plan_of(entry.definition).metric,
        "direction": cast(Literal["minimize", "maximize"], entry.direction),
        "counts": models.TrialCounts(**asdict(counts), total=counts.total),
        "best": found
        and models.BestTrial(
            number=found.number,
            value=finite(found.value),
            hyperparameters=finite(dict(found.hyperparameters)),
            pruned_after=found.pruned_after,
        ),
        "failures": failures_of(entry),
        "created": entry.created,
        "active": entry.active,
        "published": entry.bundle is not None,
        "url": page_url(entry.name),
    }


def _trial(row: TrialRow) -> models.Trial:
    return models.Trial(**finite(asdict(row)))
