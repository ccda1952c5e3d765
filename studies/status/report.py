"""How a study stands, in full: its summary in the catalogue, its trials in time, and what runs now."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, inspect, select

from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import STARTED
from studyhall.studies.database.dialects import now
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.queue import epoch_budget
from studyhall.studies.queue.failure_kind import UNKNOWN, FailureKind
from studyhall.studies.status.catalogue import Catalogue, read_summary
from studyhall.studies.status.estimates import Estimate, Throughput, throughput, time_left
from studyhall.studies.status.finished_trials import FinishedTrial, finished
from studyhall.studies.status.goals import goals_of
from studyhall.studies.status.running_trials import RunningTrial, running
from studyhall.studies.status.summary import StudySummary
from studyhall.studies.status.trial_pages import TrialRow, trial_page

_HOUR = 3600.0  # s
_LATEST_FAILURES = 20


@dataclass(frozen=True)
class Report:
    """A study at one moment. Moments are in seconds since 1970, by the database's clock."""

    study_id: int
    summary: StudySummary
    at: float
    started: float | None  # when its first trial was taken
    epochs: int  # that its trials have reported, or have begun where a budget counts those
    finished: Sequence[FinishedTrial]  # in the order in which they ended
    running: Sequence[RunningTrial]
    latest_failures: Sequence[TrialRow]  # the newest first

    @property
    def phase(self) -> str:
        """See `phase_of`."""
        return phase_of(self.summary)

    @property
    def seconds(self) -> float:
        """How long ago its first trial was taken; up to its last activity where nobody works on it."""
        if self.started is None:
            return 0.0
        active = self.summary.active
        rests = self.phase not in ("running", "stopping") and active is not None
        end = active.timestamp() if rests and active is not None else self.at
        return max(0.0, end - self.started)

    @property
    def epochs_of_trial(self) -> int | None:
        """How many epochs a trial trains at most; None where its definition does not say."""
        return goals_of(self.summary.definition).epochs

    @property
    def trial_seconds(self) -> float:
        """How long the trials that have ended ran, together."""
        return sum(trial.seconds or 0.0 for trial in self.finished)

    @property
    def images_per_second(self) -> float | None:
        """How many the workers train on, together; None where none of them says so."""
        rates = [
            each.images_per_second for each in self.summary.workers if each.images_per_second is not None
        ]
        return sum(rates) if rates else None

    @cached_property
    def throughput(self) -> Throughput | None:
        """What ended in the last hour."""
        return throughput(self.finished, self.at, self.started)

    @cached_property
    def time_left(self) -> Estimate | None:
        """How long its trials will still take; its budget of hours may end them before that."""
        if self.summary.stopping:
            return None
        epochs = self.epochs_of_trial
        estimate = time_left(
            self.finished, self.running, self.summary.counts, len(self.summary.workers), epochs
        )
        hours = goals_of(self.summary.definition).hours
        if hours is not None and self.started is not None and estimate is not None:
            rest = max(0.0, self.started + hours * _HOUR - self.at)
            if rest < estimate.seconds:
                return Estimate(rest, f"its budget is {hours:g} h")
        return estimate

    @property
    def failures(self) -> dict[str, int]:
        """See `failures_of`."""
        return failures_of(self.summary)


def failures_of(summary: StudySummary) -> dict[str, int]:
    """Return a study's failed trials by kind of failure; `UNKNOWN` where none is recorded."""
    kinds = dict(summary.failures)
    if (others := summary.counts.failed - sum(kinds.values())) > 0:
        kinds[UNKNOWN] = kinds.get(UNKNOWN, 0) + others
    return kinds


def phase_of(summary: StudySummary) -> str:
    """Return in one word how a study is doing.

    "empty" has no trials, "running" has workers, "stopping" has workers that are asked to leave, "idle" has
    work that nobody does, "finished" has no trials left, and "published" has its bundle besides.
    """
    counts = summary.counts
    if counts.total == 0:
        return "empty"
    if counts.waiting + counts.running == 0:
        return "published" if summary.bundle else "finished"
    if summary.stopping:
        return "stopping" if summary.workers else "idle"
    return "running" if summary.workers or counts.running > summary.expired else "idle"


def report(catalogue: Catalogue, name: str) -> Report:
    """Read how a study stands.

    Raises:
        StorageError: The storage cannot be read.
        StudyNotFoundError: It holds no study of that name.
    """
    return catalogue.read(lambda connection: _read(connection, name, catalogue.id_of(connection, name)))


def _read(connection: Connection, name: str, study_id: int) -> Report:
    summary = read_summary(connection, name, study_id)
    started = study_rows.attributes(connection, study_id, (STARTED,)).get(STARTED)
    failed = (
        trial_page(connection, study_id, states=("FAIL",), limit=_LATEST_FAILURES, newest_first=True)
        if summary.counts.failed
        else None
    )
    done = finished(connection, study_id)
    if started is None:  # a study that others made
        started = min(
            (trial.started.timestamp() for trial in done if trial.started is not None), default=None
        )
    return Report(
        study_id=study_id,
        summary=summary,
        at=float(connection.execute(select(now())).scalar_one()),
        started=started,
        epochs=epoch_budget.trained(connection, study_id),
        finished=done,
        running=running(
            connection, study_id, summary.direction, leased=inspect(connection).has_table(leases.name)
        ),
        latest_failures=[each for each in failed.trials if each.failure != FailureKind.WITHDRAWN]
        if failed
        else (),
    )
