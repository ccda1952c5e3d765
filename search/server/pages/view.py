"""What a study's page says, put together for its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from studyhall.search.server.api.answers import page_url
from studyhall.search.server.pages.chart import Chart, draw
from studyhall.search.server.pages.published import Published, published_of
from studyhall.search.server.served import Served
from studyhall.studies.queue.failure_kind import UNKNOWN, FailureKind
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.status.finished_trials import FinishedTrial, improvements
from studyhall.studies.status.goals import Goals, goals_of
from studyhall.studies.status.report import Report
from studyhall.studies.status.running_trials import RunningTrial
from studyhall.studies.status.trial_pages import TrialRow

_EVERY = {"running": 3, "stopping": 3, "idle": 10, "finished": 10, "empty": 10}  # s between two looks
_WIDE, _NARROW = (880, 320), (340, 250)  # units of the chart
_MEANINGS: Mapping[str, str] = {
    FailureKind.NAN: "the loss or the objective stopped being a finite number",
    FailureKind.INVALID: "the HyperModel refused the configuration",
    FailureKind.OOM: "the device or the machine ran out of memory",
    FailureKind.STALLED: "no batch for longer than the limit",
    FailureKind.ERROR: "the code of the HyperModel or the data raised an error",
    FailureKind.CRASHED: "the training process died",
    FailureKind.LOST: "its workers disappeared again and again",
    UNKNOWN: "no reason was recorded",
}


@dataclass(frozen=True)
class Work:
    """A trial that runs with the worker that has it, if that lives; or a worker without a trial."""

    trial: RunningTrial | None
    worker: WorkerSeen | None


@dataclass(frozen=True)
class Failures:
    """Failed trials of one kind, and the newest of them, where it is among the latest."""

    kind: str
    count: int
    meaning: str
    latest: TrialRow | None


@dataclass(frozen=True)
class StudyView:
    """Everything that a study's page shows."""

    report: Report
    goals: Goals
    url: str
    dashboard: str  # the study's address in optuna-dashboard
    every: int | None  # seconds until the page should look again; None where nothing changes any more
    wide: Chart | None
    narrow: Chart | None
    improvements: Sequence[FinishedTrial]
    work: Sequence[Work]
    failures: Sequence[Failures]
    published: Published | None

    @property
    def at(self) -> datetime:
        """When all this was so, by the database's clock."""
        return datetime.fromtimestamp(self.report.at, UTC)

    def trial_url(self, number: int) -> str:
        """Return a trial's address in optuna-dashboard."""
        return f"{self.dashboard}/trials?numbers={number}"


def view_of(served: Served, report: Report) -> StudyView:
    """Put together what a study's page says; files that cannot be had are no error."""
    summary, failures = report.summary, report.failures
    latest = {row.failure or UNKNOWN: row for row in reversed(report.latest_failures)}
    return StudyView(
        report=report,
        goals=goals_of(summary.definition),
        url=page_url(summary.name),
        dashboard=f"/dashboard/studies/{report.study_id}",
        every=_EVERY.get(report.phase),
        wide=draw(report, *_WIDE),
        narrow=draw(report, *_NARROW),
        improvements=list(improvements(report.finished, summary.direction)),
        work=_work(report),
        failures=[
            Failures(kind, count, _MEANINGS.get(kind, ""), latest.get(kind))
            for kind, count in failures.items()
        ],
        published=published_of(served, summary.name) if summary.bundle is not None else None,
    )


def _work(report: Report) -> list[Work]:
    workers = {worker.worker: worker for worker in report.summary.workers}
    pairs = [Work(trial, workers.pop(trial.worker or "", None)) for trial in report.running]
    return pairs + [Work(None, worker) for worker in workers.values()]
