"""The results of a study's trials: what is recorded of them, and how they end."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import Trial, TrialState

from studyhall.studies.database.attributes import DETAILS, FAILURE, PRUNED_AFTER, REASON, UNREPORTED
from studyhall.studies.queue.pruning import EndedByPruner
from studyhall.studies.status import queries
from studyhall.studies.storage.claimed_trial import reached, require_finite, storage_of
from studyhall.studies.storage.study_storage import StudyStorage


class StudyResults:
    """The results of one study's trials in a storage.

    Every method raises StorageError where the database fails.
    """

    def __init__(self, storage: StudyStorage, id: int) -> None:
        self._storage = storage
        self._id = id

    def record(self, trial: Trial, facts: Mapping[str, Any]) -> None:
        """Give a trial user attributes, all at once.

        Raises:
            LeaseLostError: The lease is over.
        """
        storage = storage_of(trial)
        if len(facts) == 1:
            for key, value in facts.items():
                storage.set_trial_user_attr(trial._trial_id, key, value)
        elif facts:
            storage.set_trial_user_attrs(trial._trial_id, facts)
        trial._cached_frozen_trial.user_attrs.update(facts)

    def complete(self, trial: Trial, *values: float) -> None:
        """End a trial with its result.

        Args:
            trial: The trial.
            values: One for each objective, in their order.

        Raises:
            LeaseLostError: The lease is over.
            ValueError: The result is not finite, which is a failure and not a result.
        """
        require_finite(trial, values)
        self._tell(trial, TrialState.COMPLETE, values)

    def prune(self, trial: Trial, *values: float) -> EndedByPruner:
        """End a trial that the pruner gave up on, with the values of its best epoch; say what it is now.

        It is complete where no complete trial of the study is as good, so that whoever asks for the best
        trial finds it; else pruned.

        Args:
            trial: The trial.
            values: One for each objective, in their order. By default the best value that it reported; it has
                no result if it reported none.

        Raises:
            LeaseLostError: The lease is over.
            ValueError: A value is not finite, or there is not one for each objective.
        """
        storage, result = storage_of(trial), reached(trial, values)
        epoch = storage.held.last_step
        attributes = {} if epoch is None else {PRUNED_AFTER: epoch}
        with self._storage.explained(), storage.ending(attributes, result):
            trial.study.tell(trial, None, TrialState.PRUNED)
        return EndedByPruner(storage.held.state is TrialState.COMPLETE, result, epoch)

    def fail(self, trial: Trial, kind: str, reason: str, details: str = "") -> None:
        """End a trial that has no result, and say why.

        Args:
            trial: The trial.
            kind: A word that failures are counted by.
            reason: A line for people.
            details: Lines for whoever looks for the cause: a whole traceback, or the last that was printed.

        Raises:
            LeaseLostError: The lease is over.
        """
        known = {FAILURE: kind, REASON: reason} | ({DETAILS: details} if details else {})
        self._tell(trial, TrialState.FAIL, attributes=known)

    def is_to_blame(self, trial: Trial) -> bool:
        """Whether the study, not the trial, is at fault that it could not report; the trial remembers it.

        It is while no trial has a result. A trial that was given back for that and meets the same again is at
        fault itself, so that the study does not end at it for ever.

        Raises:
            LeaseLostError: The lease is over.
        """
        counts = self._storage.read(lambda connection: queries.counts(connection, self._id))
        if counts.complete + counts.pruned > 0 or UNREPORTED in trial.user_attrs:
            return False
        self.record(trial, {UNREPORTED: True})
        return True

    def _tell(
        self,
        trial: Trial,
        state: TrialState,
        values: Sequence[float] | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        with self._storage.explained(), storage_of(trial).ending(attributes or {}):
            trial.study.tell(trial, values, state)
