"""The search space of a study, as far as its trials have tried it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from optuna.distributions import BaseDistribution

from studyhall.studies.queue import withdrawal
from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.space.configurations import (
    Tried,
    out_of_memory_once,
    tried_as_far_as_paused,
    tried_once,
)
from studyhall.studies.space.space import Limits, Reach, Space
from studyhall.studies.storage.study_cache import StudyCache
from studyhall.studies.storage.study_storage import StudyStorage


class StudySpace:
    """The search space of one study in a storage.

    Every method raises StorageError where the database fails.

    Attributes:
        repeats: Whether a configuration may be drawn that another trial has.
        limits: What is known of the search space beside what its trials asked for.
        is_endless: Whether it is known to have no end.
    """

    def __init__(
        self,
        storage: StudyStorage,
        id: int,
        cache: StudyCache,
        limits: Limits,
        *,
        repeats: bool,
        pauses: bool = False,
    ) -> None:
        self.repeats = repeats
        self._pauses = pauses
        self.limits = limits
        self.is_endless = False
        self._storage = storage
        self._id = id
        self._cache = cache

    @property
    def tried(self) -> Tried:
        """Which configurations of other trials are not to be repeated."""
        if self.repeats:
            return out_of_memory_once
        return tried_as_far_as_paused if self._pauses else tried_once

    def reach(self) -> Reach:
        """Return what is left of the search space; if nothing is, withdraw the trials that would draw."""
        if self.is_endless:
            return Reach.FREE
        space = self.look()
        self.is_endless, reach = space.is_endless, space.reach()
        if reach is Reach.TRIED:
            self._storage.transact(lambda connection: withdrawal.exhausted(connection, self._id, space.tried))
        return reach

    def look(self) -> Space:
        """Return what the trials have tried and try of the search space."""
        with self._storage.explained():
            self._cache.read_trials(self._id)
            return Space.of(self._cache.look(self._id, self.tried).configurations, self.limits)

    def asks(self, asked: Mapping[str, BaseDistribution]) -> None:
        """Say what the present model asks for, where it may be another one than that of earlier trials.

        Args:
            asked: What it draws each parameter from, as far as that is known. With other names than before,
                nothing of it was tried.
        """
        names = json.dumps(sorted(asked)).encode()
        model = hashlib.sha256(names).hexdigest()[:16] if asked else None
        self.limits = replace(self.limits, asked=asked, model=model)
        self.is_endless = False

    def exhausted(self) -> Exhausted | None:
        """Return how much was tried and withdrawn, if the last claim found no configuration left."""
        return self._storage.read(lambda connection: withdrawal.found(connection, self._id))
