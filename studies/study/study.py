"""A study: a definition, and the trials that it asks for, in a storage."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import optuna
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial
from pydantic import ValidationError
from sqlalchemy import Connection

from studyhall.studies.algorithms.factory import grid_of
from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import DEFINITION, SIGNATURE, VERSIONS
from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import differences, signature
from studyhall.studies.errors import StudyConflictError
from studyhall.studies.queue import epoch_budget, flags, queue, withdrawal
from studyhall.studies.queue.lease import Lease
from studyhall.studies.space.space import Limits
from studyhall.studies.status import queries
from studyhall.studies.status.catalogue import foreign, not_found
from studyhall.studies.status.summary import BestTrial, Counts, Spent
from studyhall.studies.storage.claimed_trial import QueuedStudy
from studyhall.studies.storage.study_cache import StudyCache
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.checkpoints import StudyCheckpoints
from studyhall.studies.study.creation import create
from studyhall.studies.study.results import StudyResults
from studyhall.studies.study.rungs import StudyRungs, rule_of
from studyhall.studies.study.space import StudySpace
from studyhall.studies.study.trials import StudyTrials
from studyhall.studies.study.versions import require_compatible
from studyhall.studies.study.workers import StudyWorkers
from studyhall.studies.values import Value


class Study:
    """A study in a storage. Its queue is its budget: no trial is ever created to satisfy a worker.

    Every method raises StorageError where the database fails.

    Attributes:
        definition: What it is asked to do.
        signature: The hash of what can change a result.
        space: Its search space.
        trials: Its trials, as workers take, hold and give them back.
        rungs: Those at which its trials pause.
        results: What is recorded of its trials, and how they end.
        checkpoints: Where its trials can be continued.
        workers: Its workers.
        withdrawn: How many waiting trials were withdrawn when it was last given a budget.
    """

    def __init__(self, storage: StudyStorage, id: int, definition: Definition, signature: str) -> None:
        """Use `create_or_join` or `open`."""
        self.storage = storage
        self.id = id
        self.name = definition.name
        self.definition = definition
        self.signature = signature
        self.withdrawn = 0
        rule = rule_of(definition)
        self.rungs = StudyRungs(storage, id, rule)
        self._cache = StudyCache(storage, self.name, id, None if rule is None else rule.epochs[0])
        limits = Limits(grid=grid_of(definition.sampler))
        self.space = StudySpace(
            storage, id, self._cache, limits, repeats=definition.search.repeat, pauses=rule is not None
        )
        self.trials = StudyTrials(storage, id, self.name, self._cache, self.space, rule)
        self.results = StudyResults(storage, id)
        self.checkpoints = StudyCheckpoints(storage, id)
        self.workers = StudyWorkers(storage, id)

    def optuna(self, sampler: BaseSampler | None = None, pruner: BasePruner | None = None) -> optuna.Study:
        """Return the study as Optuna sees it, for its trials and attributes."""
        with self.storage.explained():
            return QueuedStudy(self.name, self._cache, sampler or RandomSampler(), pruner or NopPruner())

    @classmethod
    def create_or_join(
        cls,
        storage: StudyStorage,
        definition: Definition,
        warm: Sequence[Mapping[str, Value]] = (),
        marker: str | None = None,
        *,
        rebudget: bool = True,
        empty: bool = False,
    ) -> Self:
        """Return the study of a definition; create it with its trials if it is not there.

        All of it is created in one transaction: a process that is killed leaves nothing, and of several that
        start at once, one creates the study and the others join it. A definition that asks for more trials
        than the study has adds those; and its other budgets hold from now on. One that asks for fewer than
        before withdraws waiting ones, unless they were asked for with values.

        Args:
            storage: Where it is.
            definition: What it is.
            warm: Configurations that a study which is created tries after those of the definition.
            marker: The file in the artifact store that those who join a study which is created will look for.
            rebudget: Whether a study that is there is given the definition's budget, as by `rebudget`.
            empty: Whether a study that is created has no trials, for those that are written into it.

        Raises:
            DefinitionError: It enqueues more configurations than it asks for trials.
            StudyConflictError: The study was created from a definition that would give other results, or with
                versions of Studyhall or Optuna that do not go together with these.
        """

        def work(connection: Connection) -> tuple[int, int]:
            created = create(connection, definition, warm, marker, empty=empty)
            if created is not None:
                return created, 0
            joined = cls._load(storage, connection, definition.name)
            joined._require(definition)
            require_compatible(joined.name, _versions(connection, joined.id))
            withdrawn = joined._rebudget(connection, definition) if rebudget else 0
            return joined.id, withdrawn

        study_id, withdrawn = storage.transact(work)
        study = cls(storage, study_id, definition, signature(definition))
        study.withdrawn = withdrawn
        return study

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
        study_id = study_rows.study_id(connection, name)
        if study_id is None:
            raise not_found(name, study_rows.study_names(connection), shown)
        found = study_rows.attributes(connection, study_id, (DEFINITION, SIGNATURE))
        if DEFINITION not in found:
            raise foreign(name, shown)
        try:
            return cls(storage, study_id, Definition.model_validate(found[DEFINITION]), found[SIGNATURE])
        except (KeyError, ValidationError) as error:
            raise StudyConflictError(
                f"Study {name!r} in {shown} was made by another version of Studyhall, whose definition this one cannot read: work on "
                "it with that version, or choose another name."
            ) from error

    def _require(self, definition: Definition) -> None:
        if self.signature != signature(definition):
            raise StudyConflictError(
                f"Study {self.name!r} in {self.storage.address.shown} was created from another definition: "
                f"{'; '.join(differences(self.definition, definition))}. Undo that, or choose another name."
            )

    def rebudget(self, definition: Definition) -> None:
        """Give the study a definition's budget.

        Trials that it lacks are added; where fewer are asked for than by the budget before, waiting ones are
        withdrawn; and the other limits hold from now on.
        """
        self.withdrawn = self.storage.transact(lambda connection: self._rebudget(connection, definition))

    def _rebudget(self, connection: Connection, definition: Definition) -> int:
        """Return how many waiting trials are withdrawn."""
        trials = definition.search.trials
        before = study_rows.attributes(connection, self.id, (DEFINITION,))[DEFINITION]["search"]["trials"]
        queue.fill(connection, self.id, trials)
        withdrawn = withdrawal.beyond(connection, self.id, trials) if trials < before else 0
        record = self.definition.record() | {"search": definition.record()["search"]}
        study_rows.set_attribute(connection, self.id, DEFINITION, record)
        return withdrawn

    def extend(self, trials: int) -> list[int]:
        """Add trials to the end of the queue; return their numbers."""
        if trials < 1:
            raise ValueError(f"a study is extended by one trial or more, not by {trials}")
        added = self.storage.transact(
            lambda connection: queue.append(connection, self.id, [{}] * trials), got_through=queue.are_there
        )
        return [each.number for each in added]

    def enqueue(self, values: Mapping[str, Value]) -> int:
        """Add a trial, and have these hyperparameters tried next; return the number of the one that does."""
        start = {"values": dict(values)}
        number, _ = self.storage.transact(
            lambda connection: queue.push_in(connection, self.id, start),
            got_through=lambda connection, pushed: queue.are_there(connection, [pushed[1]]),
        )
        return number

    def request_stop(self) -> None:
        """Ask all workers to hand their trials back and leave; none starts until `clear_stop`."""
        self.storage.transact(lambda connection: flags.request(connection, self.id))

    def stop_requested(self) -> bool:
        """Whether workers are asked to leave."""
        return self.storage.read(lambda connection: flags.is_requested(connection, self.id))

    def clear_stop(self) -> None:
        """Let workers work again."""
        self.storage.transact(lambda connection: flags.withdraw(connection, self.id))

    def begin_epoch(self, lease: Lease, epoch: int, limit: int) -> bool:
        """Take an epoch (from 1) of a trial out of the study's `limit` of epochs; False if that is used up.

        An epoch that is trained again, after its worker died, counts once.

        Raises:
            LeaseLostError: The lease is over.
        """
        return self.storage.transact(lambda connection: epoch_budget.begin(connection, lease, epoch, limit))

    def versions(self) -> dict[str, str]:
        """Return the versions of packages that the study was created with; empty where that is not known."""
        return self.storage.read(lambda connection: _versions(connection, self.id))

    def attribute(self, key: str) -> Any:
        """Return one of the study's user attributes; None where it has none of that name."""
        return self.storage.read(lambda connection: study_rows.attributes(connection, self.id, (key,))).get(
            key
        )

    def spent(self) -> Spent:
        """Return what the study has cost so far."""
        direction = self.definition.objective.direction
        return self.storage.read(lambda connection: queries.spent(connection, self.id, direction))

    def best(self) -> BestTrial | None:
        """Return the best complete trial, the earliest of equals."""
        return self.storage.read(self._best)

    def _best(self, connection: Connection) -> BestTrial | None:
        return queries.best(connection, self.id, self.definition.objective.direction)

    def best_and_counts(self) -> tuple[BestTrial | None, Counts]:
        """Return the best complete trial, and how many trials are in each state."""
        return self.storage.read(lambda connection: (self._best(connection), self._counts(connection)))

    def counts(self) -> Counts:
        """Return how many trials are in each state."""
        return self.storage.read(self._counts)

    def _counts(self, connection: Connection) -> Counts:
        return queries.counts(connection, self.id, pauses=self.rungs.rule is not None)


def _versions(connection: Connection, study_id: int) -> dict[str, str]:
    found: dict[str, str] = study_rows.attributes(connection, study_id, (VERSIONS,)).get(VERSIONS, {})
    return found


def badness(study: Study, value: float) -> float:
    """Return a number that is the smaller the better a value of the study's objective is."""
    return value if study.definition.objective.direction == "minimize" else -value


def best_trial(study: Study) -> FrozenTrial | None:
    """Return the best complete trial, the earliest of equals, as Optuna has it; None before the first."""
    best = study.best()
    if best is None:
        return None
    trial_id = study.storage.get_trial_id_from_study_id_trial_number(study.id, best.number)
    return study.storage.get_trial(trial_id)
