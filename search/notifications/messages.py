"""The messages: what is posted, as docs/notifications.md describes it."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from studyhall.studies.definition.section import Value
from studyhall.studies.json_text import to_json
from studyhall.studies.status.summary import Counts

VERSION = 1
EventName = Literal["new-best", "failures", "ended", "published"]


@dataclass(frozen=True)
class Subject:
    """The study that a message is about, and how it stands; `best` is None before the first complete trial."""

    study: str
    metric: str
    direction: str
    counts: Counts
    best: "BestSaid | None"


@dataclass(frozen=True)
class BestSaid:
    """The best trial, as a message tells of it."""

    trial: int
    value: float
    hyperparameters: Mapping[str, Value]


@dataclass(frozen=True)
class Message:
    """One notification; `id` is the same each time that it is sent, so that receivers can tell repetitions."""

    event: EventName
    text: str
    subject: Subject
    details: Mapping[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def body(self) -> bytes:
        """Return the message as JSON."""
        subject = self.subject
        content = {
            "version": VERSION,
            "id": self.id,
            "event": self.event,
            "time": self.time.isoformat(timespec="seconds"),
            "study": subject.study,
            "text": self.text,
            "objective": {"metric": subject.metric, "direction": subject.direction},
            "counts": asdict(subject.counts),
            "best": None if subject.best is None else asdict(subject.best),
            **self.details,
        }
        return to_json(content).encode()


def new_best(subject: Subject, trial: int, value: float) -> Message:
    """A trial is better than all before it."""
    text = f"{subject.study}: trial {trial} is the best so far, with {subject.metric} {value:.6g}"
    return Message("new-best", text, subject, {"trial": {"number": trial, "value": value}})


def failures(subject: Subject, in_a_row: int, kind: str, reason: str, worker: str) -> Message:
    """A worker has given up after failures in a row that are not the trials' fault."""
    text = f"{subject.study}: {in_a_row} trials in a row failed ({kind}), and {worker} has given up: {reason}"
    details = {"in_a_row": in_a_row, "kind": kind, "reason": reason, "worker": worker}
    return Message("failures", text, subject, {"failures": details})


def ended(subject: Subject, reason: str) -> Message:
    """No more trials will be trained, unless the budget is raised."""
    best = subject.best
    found = (
        "no trial completed"
        if best is None
        else f"best {subject.metric} {best.value:.6g}, trial {best.trial}"
    )
    return Message("ended", f"{subject.study}: {reason}; {found}", subject, {"ended": {"reason": reason}})


def published(
    subject: Subject, source: str, trial: int, value: float | None, test: tuple[float, float] | None
) -> Message:
    """A model has been published; `test` is its test error's mean and standard deviation, where there is one."""
    shown = "" if value is None else f", {subject.metric} {value:.6g}"
    shown += "" if test is None else f", test error {test[0]:.4g} ± {test[1]:.2g}"
    what = f"trial {trial}, retrained" if source == "retrained" else f"trial {trial}"
    score = None if test is None else {"mean": test[0], "std": test[1]}
    details = {"source": source, "trial": trial, "value": value, "test": score}
    return Message("published", f"{subject.study}: published {what}{shown}", subject, {"published": details})
