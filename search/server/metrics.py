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

from studyhall.search.server.served import Hall, hall_of
from studyhall.studies.errors import StudyNotFoundError
from studyhall.studies.status.report import Standing, standing

router = APIRouter(tags=["metrics"])


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={503: {"description": "The database is away."}},
)
async def metrics(request: Request) -> Response:
    """The studies in the text format of Prometheus."""
    hall = hall_of(request)
    encode, media_type = choose_encoder(request.headers.get("Accept", ""))
    body = await hall.fresh.get(("metrics", media_type), lambda: encode(registry_of(read_all(hall))))
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})


def read_all(hall: Hall) -> list[Standing]:
    """Read how every study that is served stands.

    Raises:
        StorageError: the database is away.
    """
    found = []
    for name in hall.names():
        with suppress(StudyNotFoundError):  # somebody has just deleted it
            found.append(standing(hall.catalogue, name))
    return found


def registry_of(standings: Sequence[Standing]) -> CollectorRegistry:
    """Return a registry that gives the metrics of studies."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Studies(standings))
    return registry


class _Studies(Collector):
    def __init__(self, standings: Sequence[Standing]) -> None:
        self._standings = standings

    def collect(self) -> Iterable[Metric]:
        return _families(self._standings)


def _families(standings: Sequence[Standing]) -> Iterator[Metric]:
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
    for each in standings:
        name, counts = each.entry.name, each.entry.counts
        for state in ("waiting", "running", "complete", "pruned", "failed"):
            trials.add_metric((name, state), getattr(counts, state))
        if each.entry.best is not None and not math.isnan(each.entry.best.value):
            best.add_metric((name,), each.entry.best.value)
        workers.add_metric((name,), len(each.entry.workers))
        expired.add_metric((name,), each.entry.expired)
        images.add_metric((name,), each.images_per_second or 0.0)
        published.add_metric((name,), float(each.entry.bundle is not None))
        for kind, count in each.failures.items():
            failures.add_metric((name, kind), count)
        epochs.add_metric((name,), each.epochs)
        seconds.add_metric((name,), each.trial_seconds)
    yield from (trials, best, workers, expired, images, published, failures, epochs, seconds)
