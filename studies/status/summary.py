"""The summary of a study: one line of the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.status.silent_trials import SilentTrial
from studyhall.studies.values import Value


@dataclass(frozen=True)
class Counts:
    """How many trials of a study are in each state; `paused` are those that wait because they pause."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    paused: int = 0

    @property
    def finished(self) -> int:
        """Trials that will not run again."""
        return self.complete + self.pruned + self.failed

    @property
    def total(self) -> int:
        """The budget."""
        return self.waiting + self.running + self.finished


@dataclass(frozen=True)
class BestTrial:
    """The best complete trial of a study; the earliest of equals."""

    number: int
    value: float
    hyperparameters: Mapping[str, Value]  # as recorded for people; empty if nothing was
    # The epoch after which the pruner ended it; None where it trained to its end.
    pruned_after: int | None = None


@dataclass(frozen=True)
class Spent:
    """What a study has cost, and what it has for it."""

    seconds: float  # since its first trial was claimed, by the database's clock; 0 before
    epochs: int  # that its trials reported, or have begun, where a budget counts those
    best: float | None


@dataclass(frozen=True)
class FrontTrial:
    """A trial of a study with several objectives that no other one is better than in one and as good in all.

    `values` are those of the objectives, in their order.
    """

    number: int
    values: Sequence[float]
    hyperparameters: Mapping[str, Value]


@dataclass(frozen=True)
class RungCounts:
    """A rung of a study whose trials pause: how many have reached it, and how many are paused there."""

    epochs: int
    reached: int
    paused: int


@dataclass(frozen=True)
class StudySummary:
    """One study of a storage.

    `definition`, `signature` and `created` are None for studies that other programs made. `active` is the
    last time that a trial started or ended. Times are in UTC and know it.
    """

    name: str
    direction: str  # "minimize" or "maximize"
    definition: Mapping[str, Any] | None
    signature: str | None
    counts: Counts
    best: BestTrial | None
    created: datetime | None
    active: datetime | None
    bundle: Mapping[str, Any] | None
    failures: Mapping[str, int]  # failed trials by the kind of their failure
    expired: int  # running trials whose worker is gone; the next worker that looks takes them back
    stopping: bool  # whether workers are asked to leave
    workers: Sequence[WorkerSeen]  # those that live
    front: Sequence[FrontTrial] = ()  # the Pareto front, by the first objective; empty where there is one
    rungs: Sequence[RungCounts] = ()  # those that trials have reached, the first one first
    exhausted: Exhausted | None = None  # where its trials were withdrawn for want of something to try
    silent: Sequence[SilentTrial] = ()  # running trials whose workers are silent


@dataclass(frozen=True)
class Publication:
    """What a study has published last, as its record says it, and what tells where the files are."""

    bundle: Mapping[str, Any] | None  # None where it has published nothing
    definition: Mapping[str, Any] | None
