"""What the catalogue says of one study."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Value = bool | int | float | str


@dataclass(frozen=True)
class Counts:
    """How many trials of a study are in each state."""

    waiting: int = 0
    running: int = 0
    complete: int = 0
    pruned: int = 0
    failed: int = 0

    @property
    def finished(self) -> int:
        """Trials that will not run again."""
        return self.complete + self.pruned + self.failed

    @property
    def total(self) -> int:
        """The budget."""
        return self.waiting + self.running + self.finished


@dataclass(frozen=True)
class Best:
    """The best complete trial of a study; the earliest of equals."""

    number: int
    value: float
    hyperparameters: Mapping[str, Value]  # as recorded for people; empty if nothing was


@dataclass(frozen=True)
class Entry:
    """One study of a storage.

    `definition`, `signature` and `created` are None for studies that other programs made. `active` is the
    last time that a trial started or ended. Times are in UTC and know it.
    """

    name: str
    direction: str  # "minimize" or "maximize"
    definition: Mapping[str, Any] | None
    signature: str | None
    counts: Counts
    best: Best | None
    created: datetime | None
    active: datetime | None
    bundle: Mapping[str, Any] | None
    failures: Mapping[str, int]  # failed trials by the kind of their failure
