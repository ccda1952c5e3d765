"""The announcer: tells people what happens in a study, by its note in the dashboard and by notifications.

Nothing of it is worth failing for: the trials and the models are safe before anybody hears of them.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from studyhall.search.core.outcome import Completed, Failed, Pruned, TrialOutcome
from studyhall.search.notifications import messages
from studyhall.search.notifications.notifier import Nobody, Notifies
from studyhall.search.workers.budget import Budget
from studyhall.studies.bundle.record import BundleRecord
from studyhall.studies.errors import StudyhallError
from studyhall.studies.queue.flags import claim_announcement
from studyhall.studies.status.summary import Counts
from studyhall.studies.study.note import refresh_note
from studyhall.studies.study.study import Study

_log = logging.getLogger(__name__)


class Announcer:
    """Tells what one process does in a study; of what several see, one of them tells.

    Args:
        study: The study.
        notifier: Takes notifications; None where nobody wants any.
    """

    def __init__(self, study: Study, notifier: Notifies | None = None) -> None:
        self._study = study
        self._notifier = Nobody() if notifier is None else notifier

    def trial_ended(self, number: int, outcome: TrialOutcome) -> None:
        """Tell of a trial that this process has ended, if that is the best."""
        if not isinstance(outcome, Completed | Pruned) or outcome.value is None:
            return
        with _harmless():
            best = self._study.best()
            if best is not None and best.number == number:
                refresh_note(self._study)
                self._notifier.send(messages.new_best(self._facts(), number, outcome.value))

    def gave_up(self, worker: str, in_a_row: int, failure: Failed) -> None:
        """Tell of a worker that gives up; those that do so before another trial completes are not told of."""
        with _harmless():
            study_facts = self._facts()
            if self._first("failures", f"after {study_facts.counts.complete} complete"):
                self._notifier.send(
                    messages.failures(study_facts, in_a_row, failure.kind, failure.reason, worker)
                )

    def left(self) -> None:
        """Tell that the search has ended, if it has: no trial runs, and none is to be begun."""
        with _harmless():
            counts = self._study.counts()
            why = self._end(counts)
            if counts.running > 0 or why is None:
                return
            search = self._study.definition.search
            occasion = f"{counts.total} trials, {search.hours} hours, {search.epochs} epochs, {search.target}"
            if self._first("ended", occasion):
                self._notifier.send(messages.ended(self._facts(), why))

    def published(self, record: BundleRecord, test: tuple[float, float] | None) -> None:
        """Tell of a bundle that this process has published.

        `test` is its error's mean and standard deviation.
        """
        with _harmless():
            refresh_note(self._study)
            study_facts = self._facts()
            self._notifier.send(
                messages.published(study_facts, record.source, record.trial, record.value, test)
            )

    def _end(self, counts: Counts) -> str | None:
        if counts.waiting == 0:
            return (
                "its one trial is finished"
                if counts.total == 1
                else f"all {counts.total:,} trials are finished"
            )
        return Budget.of(self._study.definition).reached(self._study.spent())

    def _first(self, event: str, occasion: str) -> bool:
        study = self._study
        return study.storage.transact(
            lambda connection: claim_announcement(connection, study.id, event, occasion)
        )

    def _facts(self) -> messages.StudyFacts:
        study, (best, counts) = self._study, self._study.best_and_counts()
        objective = study.definition.objective
        return messages.StudyFacts(study.name, objective.metric, objective.direction, counts, best)


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except StudyhallError as error:
        _log.warning("the study's note and notifications were left out: %s", error)
    except Exception:  # noqa: BLE001 - not even a mistake of ours may cost a worker its life here
        _log.warning("the study's note and notifications were left out", exc_info=True)
