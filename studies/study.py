"""A study: a definition, and the trials that it asks for, in a storage."""

import math
import random
import time
from collections.abc import Callable, Mapping
from typing import Self

import optuna
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import get_storage
from optuna.trial import Trial, TrialState
from pydantic import ValidationError
from sqlalchemy import Connection

from studyhall.studies import queries, queue
from studyhall.studies.attributes import DEFINITION, FAILURE, REASON, SIGNATURE
from studyhall.studies.catalogue import not_found
from studyhall.studies.creation import create
from studyhall.studies.definition import Definition, Value
from studyhall.studies.entry import Counts
from studyhall.studies.errors import StudyConflictError
from studyhall.studies.signature import differences, signature
from studyhall.studies.storage import StudyStorage


class Study:
    """A study in a storage. Its queue is its budget: no trial is ever created to satisfy a worker.

    Every method raises StorageError where the database fails.
    """

    def __init__(self, storage: StudyStorage, id: int, definition: Definition, signature: str) -> None:
        """Use `create_or_join` or `open`."""
        self.storage = storage
        self.id = id
        self.definition = definition
        self.signature = signature
        self._cached = get_storage(storage)  # remembers finished trials, which samplers read again and again

    @classmethod
    def create_or_join(cls, storage: StudyStorage, definition: Definition) -> Self:
        """Return the study of a definition; create it with its trials if it is not there.

        All of it is created in one transaction: a process that is killed leaves nothing, and of several that
        start at once, one creates the study and the others join it. A definition that asks for more trials
        than the study has adds those.

        Raises:
            DefinitionError: It enqueues more configurations than it asks for trials.
            StudyConflictError: The study was created from a definition that would give other results.
        """

        def work(connection: Connection) -> int:
            created = create(connection, definition)
            if created is not None:
                return created
            joined = cls._load(storage, connection, definition.name)
            joined._require(definition)
            queue.fill(connection, joined.id, definition.search.trials)
            return joined.id

        return cls(storage, storage.transact(work), definition, signature(definition))

    @classmethod
    def open(cls, storage: StudyStorage, name: str) -> Self:
        """Return an existing study, with the definition that the storage has of it.

        Raises:
            StudyNotFoundError: The storage holds no study of that name.
            StudyConflictError: It does, but Studyhall did not make it.
        """
        return storage.read(lambda connection: cls._load(storage, connection, name))

    @classmethod
    def _load(cls, storage: StudyStorage, connection: Connection, name: str) -> Self:
        shown = storage.address.shown
        study_id = queries.study_id(connection, name)
        if study_id is None:
            raise not_found(name, queries.study_names(connection), shown)
        found = queries.attributes(connection, study_id, (DEFINITION, SIGNATURE))
        try:
            return cls(storage, study_id, Definition.model_validate(found[DEFINITION]), found[SIGNATURE])
        except (KeyError, ValidationError) as error:
            raise StudyConflictError(
                f"Study {name!r} in {shown} was not made by this version of Studyhall: choose another name."
            ) from error

    def _require(self, definition: Definition) -> None:
        if self.signature != signature(definition):
            raise StudyConflictError(
                f"Study {self.name!r} in {self.storage.address.shown} was created from another definition: "
                f"{'; '.join(differences(self.definition, definition))}. Undo that, or choose another name."
            )

    @property
    def name(self) -> str:
        """The study's name in its storage."""
        return self.definition.name

    def optuna(self, sampler: BaseSampler | None = None, pruner: BasePruner | None = None) -> optuna.Study:
        """Return the study as Optuna sees it, for its trials and attributes."""
        with self.storage.answered():
            return _QueuedStudy(self.name, self._cached, sampler or RandomSampler(), pruner or NopPruner())

    def claim(self, sampler: Callable[[int], BaseSampler], pruner: BasePruner) -> Trial | None:
        """Take the first trial out of the queue; None if the queue is empty.

        Nobody else gets the same trial until it is handed back; it then still has its number, its parameters
        and its intermediate values.

        Args:
            sampler: Returns the sampler for a trial, given its number.
            pruner: Decides whether the trial should be pruned.
        """
        taken = self._take()
        if taken is None:
            return None
        try:
            with self.storage.answered():
                study = self.optuna(sampler(taken.number), pruner)
                study.get_trials(deepcopy=False)  # what the cache has not met, it cannot store parameters for
                return Trial(study, taken.trial_id)
        except BaseException:
            self.hand_back(taken.trial_id)
            raise

    def _take(self) -> queue.Claim | None:
        while True:
            taken = self.storage.transact(lambda connection: queue.claim(connection, self.id))
            if taken is not None or self.storage.read(lambda connection: queue.is_empty(connection, self.id)):
                return taken
            time.sleep(random.uniform(0.01, 0.05))  # s; others are about to take the rest, or to give it back

    def hand_back(self, trial_id: int) -> bool:
        """Put a running trial back where it was in the queue; False, and no change, if it was not running."""
        return self.storage.transact(lambda connection: queue.hand_back(connection, trial_id))

    def complete(self, trial: Trial, value: float) -> None:
        """End a trial with its result.

        Raises:
            ValueError: The result is not finite, which is a failure and not a result.
        """
        if not math.isfinite(value):
            raise ValueError(f"trial {trial.number} cannot be complete with {value}: fail it instead")
        self._tell(trial, TrialState.COMPLETE, value)

    def prune(self, trial: Trial) -> None:
        """End a trial that is not worth going on with; its last intermediate value is its result."""
        self._tell(trial, TrialState.PRUNED)

    def fail(self, trial: Trial, kind: str, reason: str) -> None:
        """End a trial that has no result, and say why.

        Args:
            trial: The trial.
            kind: A word that failures are counted by.
            reason: A line for people.
        """
        with self.storage.answered():  # before its end, because a finished trial cannot be changed
            trial.set_user_attr(FAILURE, kind)
            trial.set_user_attr(REASON, reason)
        self._tell(trial, TrialState.FAIL)

    def _tell(self, trial: Trial, state: TrialState, value: float | None = None) -> None:
        with self.storage.answered():
            trial.study.tell(trial, value, state)

    def extend(self, trials: int) -> list[int]:
        """Add trials to the end of the queue; return their numbers."""
        if trials < 1:
            raise ValueError(f"a study is extended by one trial or more, not by {trials}")
        return self.storage.transact(lambda connection: queue.append(connection, self.id, [{}] * trials))

    def enqueue(self, values: Mapping[str, Value]) -> int:
        """Add a trial, and have these hyperparameters tried next; return the number of the one that does."""
        start = {"values": dict(values)}
        return self.storage.transact(lambda connection: queue.push_in(connection, self.id, start))

    def counts(self) -> Counts:
        """Return how many trials are in each state."""
        return self.storage.read(lambda connection: queries.counts(connection, self.id))


class _QueuedStudy(optuna.Study):
    """Optuna's study where the queue decides when the work ends."""

    def stop(self) -> None:
        """Ignore a sampler that has seen its whole grid; Optuna raises outside its own loop."""
