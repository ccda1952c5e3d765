"""The budget of a study beside its number of trials: hours, epochs, and a value that is good enough."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from studyhall.studies.definition import Definition
from studyhall.studies.queue.lease import Lease
from studyhall.studies.status.summary import Spent

SECONDS_BETWEEN_LOOKS = 1.0  # how soon a worker hears that another one has reached the target


@dataclass(frozen=True)
class Budget:
    """What a study may use up; None is without limit. Whichever comes first ends the search everywhere."""

    seconds: float | None = None
    epochs: int | None = None
    target: float | None = None
    direction: str = "minimize"

    @classmethod
    def of(cls, definition: Definition) -> "Budget":
        """Return the budget that a definition sets."""
        search = definition.search
        seconds = None if search.hours is None else search.hours * 3600
        return cls(seconds, search.epochs, search.target, definition.objective.direction)

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to look at beside the queue."""
        return (self.seconds, self.epochs, self.target) != (None, None, None)

    @property
    def all_epochs(self) -> str:
        """What people are told when the epochs are used up."""
        return (
            "the budget of 1 epoch is used up"
            if self.epochs == 1
            else f"the budget of {self.epochs:,} epochs is used up"
        )

    def reached(self, spent: Spent) -> str | None:
        """Return why the search is over, for people; None where it is not."""
        if self.target is not None and spent.best is not None:
            sign = 1 if self.direction == "minimize" else -1
            if sign * spent.best <= sign * self.target:
                return f"the target {self.target:g} is reached with {spent.best:.6g}"
        if self.epochs is not None and spent.epochs >= self.epochs:
            return self.all_epochs
        if self.seconds is not None and spent.seconds >= self.seconds:
            hours = self.seconds / 3600
            return f"{hours:g} hour{'s are' if hours > 1 else ' is'} over"
        return None


class BudgetedStudy(Protocol):
    """The part of a study that its budget concerns."""

    def spent(self) -> Spent:
        """Return what the study has used up."""

    def stop_requested(self) -> bool:
        """Whether somebody asked all workers to leave."""

    def begin_epoch(self, lease: Lease, epoch: int, limit: int) -> bool:
        """Reserve an epoch (from 1) of a trial, unless the study's trials then had more than `limit`."""


class EpochGate:
    """Lets trials through to their next epoch, and workers to their next trial, until the study is over.

    What was over once stays over for this worker: nothing that is spent comes back.

    Args:
        study: The study.
        budget: Its budget.
        clock: Seconds that pass.
    """

    def __init__(
        self, study: BudgetedStudy, budget: Budget, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._study = study
        self._budget = budget
        self._clock = clock
        self._next_look = clock()
        self._over: str | None = None
        self._lock = threading.Lock()

    @property
    def over(self) -> str | None:
        """Why the study is over, as far as this worker has heard."""
        return self._over

    @property
    def counts_epochs(self) -> bool:
        """Whether an epoch must wait for the database, because epochs are counted exactly."""
        return self._budget.epochs is not None

    def look(self) -> str | None:
        """Look whether the study is over, and return why; None where it is not."""
        with self._lock:
            if self._over is None:
                self._over = self._reason()
                self._next_look = self._clock() + SECONDS_BETWEEN_LOOKS
            return self._over

    def may_claim(self) -> bool:
        """Whether to ask for another trial. It looks at what is used up.

        The claim itself says whether all workers are to leave.
        """
        return (self.look() if self._budget.is_limited else self._over) is None

    def admits(self, lease: Lease, epoch: int) -> bool:
        """Whether a trial may train an epoch (from 1); a trial that may not goes back to the queue as it is.

        Raises:
            LeaseLostError: The trial is another worker's.
        """
        if self._over is None and self._clock() >= self._next_look:
            self.look()
        if self._over is not None:
            return False
        if self._budget.epochs is None or self._study.begin_epoch(lease, epoch, self._budget.epochs):
            return True
        with self._lock:
            self._over = self._budget.all_epochs
        return False

    def _reason(self) -> str | None:
        if self._study.stop_requested():
            return "it was stopped with: studyhall stop"
        return self._budget.reached(self._study.spent()) if self._budget.is_limited else None
