"""The rungs at which a study's trials pause, where its definition has a scheduler."""

from studyhall.studies.definition import Definition
from studyhall.studies.queue import closing, queue, rungs
from studyhall.studies.queue.lease import Lease
from studyhall.studies.queue.promotion import Rule
from studyhall.studies.storage.study_storage import StudyStorage


def rule_of(definition: Definition) -> Rule | None:
    """Return how trials pause and go on; None where they do not pause."""
    scheduler, search = definition.scheduler, definition.search
    if not scheduler.pauses:
        return None
    return Rule(
        epochs=scheduler.rungs(definition.training.epochs),
        factor=scheduler.reduction_factor,
        direction=definition.objective.direction,
        outlasts=search.epochs is not None or search.hours is not None,
        target=search.target,
    )


class StudyRungs:
    """The rungs of one study in a storage.

    Every method raises StorageError where the database fails.

    Attributes:
        rule: How its trials pause and go on; None where they do not pause.
    """

    def __init__(self, storage: StudyStorage, id: int, rule: Rule | None) -> None:
        self.rule = rule
        self._storage = storage
        self._id = id

    def is_at(self, epochs: int) -> bool:
        """Whether a trial that has finished so many epochs is at a rung."""
        return self.rule is not None and epochs in self.rule.epochs

    def reach(self, lease: Lease, epochs: int, value: float) -> bool:
        """Note that a trial is at a rung, where it has a checkpoint; return whether it goes on at once.

        Args:
            lease: The lease on the trial.
            epochs: How many it has finished.
            value: The best that it has reported.

        Raises:
            LeaseLostError: The lease is over.
        """
        rule = self.rule
        if rule is None or epochs not in rule.epochs:
            return True
        rung = rule.epochs.index(epochs)
        return self._storage.transact(lambda connection: rungs.reach(connection, lease, rung, value, rule))

    def any_left(self) -> bool:
        """Whether a trial waits that can be claimed, unless workers are asked to leave."""
        return not self._storage.read(lambda connection: queue.is_over(connection, self._id, rule=self.rule))

    def close(self, *, spent: bool) -> int:
        """End what is paused, as pruned, if the study is at its end; return how many trials ended.

        Args:
            spent: Whether the study's budget is spent, or its target reached, so that nobody claims what
                waits.
        """
        rule = self.rule
        if rule is None:
            return 0
        return self._storage.transact(
            lambda connection: closing.close(connection, self._id, rule, spent=spent)
        )
