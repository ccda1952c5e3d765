"""Failures in a row that may be the code's fault."""

from collections.abc import Collection

from studyhall.search.core.outcome import (
    Failed,
    TrialOutcome,
)
from studyhall.studies.queue.failure_kind import FailureKind

# Failures of a kind that may be the code's fault; several in a row end a worker, which would only burn the
# queue.
_NOT_THE_TRIALS_FAULT = frozenset({FailureKind.ERROR, FailureKind.CRASHED})


class FailuresInARow:
    """Counts the failures in a row that may be the code's fault.

    Args:
        most: How many of them end a worker.
        kinds: Which failures may be the code's fault.
    """

    def __init__(self, most: int, kinds: Collection[FailureKind] = _NOT_THE_TRIALS_FAULT) -> None:
        self._most = most
        self._kinds = kinds
        self._count = 0

    def too_many(self, outcome: TrialOutcome) -> str | None:
        """Count one more trial; return why to give up, for people, None where there is no reason."""
        if not (isinstance(outcome, Failed) and outcome.kind in self._kinds):
            self._count = 0
            return None
        self._count += 1
        if self._count < self._most:
            return None
        return (
            f"{self._count} trials in a row failed, the last one with: {outcome.reason}; "
            "fix it and start again: the queue is kept"
        )
