"""What Prometheus collects of the studies."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response

from studyhall.search.server.served import Served, served_of
from studyhall.studies.errors import StudyNotFoundError
from studyhall.studies.status.report import Report, report

router = APIRouter(tags=["metrics"])


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={503: {"description": "The database is away."}},
)
async def metrics(request: Request) -> Response:
    """The studies in the text format of Prometheus."""
    served = served_of(request)
    encode, media_type = choose_encoder(request.headers.get("Accept", ""))
    body = await served.cache.get(("metrics", media_type), lambda: encode(registry_of(read_all(served))))
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})


def read_all(served: Served) -> list[Report]:
    """Read how every study that is served stands.

    Raises:
        StorageError: The database is away.
    """
    found = []
    for name in served.names():
        with suppress(StudyNotFoundError):  # somebody has just deleted it
            found.append(report(served.catalogue, name))
    return found


def registry_of(reports: Sequence[Report]) -> CollectorRegistry:
    """Return a registry that gives the metrics of studies."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Studies(reports))
    return registry


class _Studies(Collector):
    def __init__(self, reports: Sequence[Report]) -> None:
        self._reports = reports

    def collect(self) -> Iterable[Metric]:
        return _families(self._reports)


def _families(reports: Sequence[Report]) -> Iterator[Metric]:
    study = ("study",)
    trials = GaugeMetricFamily("studyhall_trials", "Trials by their state.", labels=("study", "state"))
    best = GaugeMetricFamily(
        "studyhall_best_value", "The first objective of the best complete trial.", labels=study
    )
    workers = GaugeMetricFamily(
        "studyhall_workers", "Workers that gave a sign of life within the length of a lease.", labels=study
    )
    expired = GaugeMetricFamily(
        "studyhall_expired_trials", "Running trials whose worker is gone.", labels=study
    )
    paused = GaugeMetricFamily(
        "studyhall_paused_trials",
        "Trials that are paused, by the epochs of their rung.",
        labels=("study", "epochs"),
    )
    images = GaugeMetricFamily(
        "studyhall_images_per_second", "Images that all workers together train on in a second.", labels=study
    )
    published = GaugeMetricFamily(
        "studyhall_published", "1 if the study has a published bundle.", labels=study
    )
    failures = CounterMetricFamily(
        "studyhall_failed_trials", "Failed trials by the kind of their failure.", labels=("study", "kind")
    )
    epochs = CounterMetricFamily(
        "studyhall_epochs", "Epochs that trials have begun or reported.", labels=study
    )
    seconds = CounterMetricFamily(
        "studyhall_trial_duration_seconds", "Duration of all trials that have ended, together.", labels=study
    )
    for each in reports:
        name, counts = each.summary.name, each.summary.counts
        for state in ("waiting", "running", "complete", "pruned", "failed"):
            trials.add_metric((name, state), getattr(counts, state))
        if each.summary.best is not None and not math.isnan(each.summary.best.value):
            best.add_metric((name,), each.summary.best.value)
        for rung in each.summary.rungs:
            paused.add_metric((name, str(rung.epochs)), rung.paused)
        workers.add_metric((name,), len(each.summary.workers))
        expired.add_metric((name,), each.summary.expired)
        images.add_metric((name,), each.images_per_second or 0.0)
        published.add_metric((name,), float(each.summary.bundle is not None))
        for kind, count in each.failures.items():
            failures.add_metric((name, kind), count)
        epochs.add_metric((name,), each.epochs)
        seconds.add_metric((name,), each.trial_seconds)
    yield from (trials, paused, best, workers, expired, images, published, failures, epochs, seconds)
