"""The messages: what is posted, as docs/notifications.md describes it."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from studyhall.studies.json_text import to_json
from studyhall.studies.status.summary import BestTrial, Counts

VERSION = 1
EventName = Literal["new-best", "failures", "ended", "published"]


@dataclass(frozen=True)
class StudyFacts:
    """The study that a message is about, and how it stands.

    `best` is None before the first complete trial.
    """

    study: str
    metric: str
    direction: str
    counts: Counts
    best: BestTrial | None


@dataclass(frozen=True)
class Message:
    """One notification.

    `id` is the same each time that it is sent, so that receivers can tell repetitions.
    """

    event: EventName
    text: str
    study_facts: StudyFacts
    details: Mapping[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def body(self) -> bytes:
        """Return the message as JSON."""
        study_facts = self.study_facts
        content = {
            "version": VERSION,
            "id": self.id,
            "event": self.event,
            "time": self.time.isoformat(timespec="seconds"),
            "study": study_facts.study,
            "text": self.text,
            "objective": {"metric": study_facts.metric, "direction": study_facts.direction},
            "counts": asdict(study_facts.counts),
            "best": None if study_facts.best is None else _told(study_facts.best),
            **self.details,
        }
        return to_json(content).encode()


def _told(best: BestTrial) -> dict[str, Any]:
    return {"trial": best.number, "value": best.value, "hyperparameters": best.hyperparameters}


def new_best(study_facts: StudyFacts, trial: int, value: float) -> Message:
    """A trial is better than all before it."""
    text = f"{study_facts.study}: trial {trial} is the best so far, with {study_facts.metric} {value:.6g}"
    return Message("new-best", text, study_facts, {"trial": {"number": trial, "value": value}})


def failures(study_facts: StudyFacts, in_a_row: int, kind: str, reason: str, worker: str) -> Message:
    """A worker has given up after failures in a row that are not the trials' fault."""
    text = f"{study_facts.study}: {in_a_row} trials in a row failed ({kind}), and {worker} has given up: {reason}"
    details = {"in_a_row": in_a_row, "kind": kind, "reason": reason, "worker": worker}
    return Message("failures", text, study_facts, {"failures": details})


def ended(study_facts: StudyFacts, reason: str) -> Message:
    """No more trials will be trained, unless the budget is raised."""
    best = study_facts.best
    found = (
        "no trial completed"
        if best is None
        else f"best {study_facts.metric} {best.value:.6g}, trial {best.number}"
    )
    return Message(
        "ended", f"{study_facts.study}: {reason}; {found}", study_facts, {"ended": {"reason": reason}}
    )


def published(
    study_facts: StudyFacts, source: str, trial: int, value: float | None, test: tuple[float, float] | None
) -> Message:
    """A model has been published.

    `test` is its test error's mean and standard deviation, where there is one.
    """
    shown = "" if value is None else f", {study_facts.metric} {value:.6g}"
    shown += "" if test is None else f", test error {test[0]:.4g} ± {test[1]:.2g}"
    what = f"trial {trial}, retrained" if source == "retrained" else f"trial {trial}"
    score = None if test is None else {"mean": test[0], "std": test[1]}
    details = {"source": source, "trial": trial, "value": value, "test": score}
    return Message(
        "published", f"{study_facts.study}: published {what}{shown}", study_facts, {"published": details}
    )
