"""The storage as the holder of a lease sees it: whatever it writes about its trial needs the lease."""

import copy
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from studyhall.studies.json_text import to_json
from studyhall.studies.queue import trial_writes
from studyhall.studies.queue.lease import Lease
from studyhall.studies.space import distinct_trials
from studyhall.studies.space.configurations import (
    Key,
    Tried,
    is_drawn_once,
    key_of,
    out_of_memory_once,
    tried_once,
)
from studyhall.studies.space.space import Limits, Reach
from studyhall.studies.storage.best_so_far import as_judged
from studyhall.studies.storage.other_trials import OtherTrials
from studyhall.studies.storage.study_cache import StudyCache
from studyhall.studies.storage.trial_reader import read_trial


class TakenError(Exception):
    """A value leads to nothing that is free; nothing was written."""

    def __init__(self, key: Key, reach: Reach) -> None:
        super().__init__(key, reach)
        self.key = key
        self.reach = reach


class LeasedStorage(BaseStorage):
    """A study's storage as the holder of one claim sees it, in front of the cache that all claims share.

    It shows the sampler trials that ran out of memory as bad ones, and sampler and pruner the other trials by
    their best values so far. It writes about no other trial than its own, and every write raises
    LeaseLostError, and changes nothing, once the lease is over. Leases have heartbeats of their own, so
    Optuna's are none of its methods.

    Nobody but the holder writes about the trial, so it is read once; what is written is noted down here, too.

    Attributes:
        lease: The lease.
        backend: The storage behind the cache.
        others: The other trials of the study.
    """

    def __init__(
        self,
        cache: StudyCache,
        lease: Lease,
        tried: Tried = tried_once,
        limits: Limits = Limits(),  # noqa: B008 - it is frozen
        *,
        is_fresh: bool = False,
    ) -> None:
        """See the storage through a lease.

        Args:
            cache: The cache that all claims share.
            lease: The lease.
            tried: Says which configurations the trial may not draw.
            limits: What is known of the search space beside what its trials asked for.
            is_fresh: Whether the cache was read just now.
        """
        self.lease = lease
        self.backend = cache.backend
        self.others = OtherTrials(cache, lease, tried, limits, is_fresh=is_fresh)
        self._cache = cache
        self._draws_apart = tried is not out_of_memory_once
        self._ending: Mapping[str, Any] = {}
        self._result: Sequence[float] = ()
        self._held = self.backend.read(lambda connection: read_trial(connection, lease.trial_id))
        self._taken: Mapping[Key, Reach] | None = None
        self._by_plan = False
        self._is_alone = False  # no other trial has the values that this one has

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        return self._cache.create_new_study(directions, study_name)

    def delete_study(self, study_id: int) -> None:
        self._cache.delete_study(study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._cache.set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._cache.set_study_system_attr(study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        return self._cache.get_study_id_from_name(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._cache.get_study_name_from_id(study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._cache.get_study_directions(study_id)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._cache.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._cache.get_study_system_attrs(study_id)

    def get_all_studies(self) -> list[FrozenStudy]:
        return self._cache.get_all_studies()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        return self._cache.create_new_trial(study_id, template_trial)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        return self._cache.get_trial_id_from_study_id_trial_number(study_id, trial_number)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        if trial_id != self.lease.trial_id:
            return self._cache.get_trial(trial_id)
        return copy.deepcopy(self._held)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if study_id != self.lease.study_id:
            return self._cache.get_all_trials(study_id, deepcopy, states)
        own = self.get_trial(self.lease.trial_id)
        trials = self.others.beside(own, self.get_study_directions(study_id))
        found = trials if states is None else [each for each in trials if each.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        found = self._cache.get_best_trial(study_id)
        return as_judged(found, self.get_study_directions(study_id)[0])

    def taken(self, name: str) -> dict[Key, Reach]:
        """Return the values of the parameter that the trial draws next which lead to nothing that is free."""
        return {} if self._is_alone else self.others.space.at(self._points()).taken(name)

    @contextmanager
    def keeping_apart(self, taken: Mapping[Key, Reach], *, by_plan: bool) -> Iterator[None]:
        """Raise TakenError where a parameter that is set inside the block leads to nothing that is free.

        It is one of the values that are `taken`, or another trial has drawn the same meanwhile: two that
        follow one plan may draw the same number of a continuous range, others only its ends.
        """
        self._taken, self._by_plan = taken, by_plan
        try:
            yield
        finally:
            self._taken = None

    def _points(self) -> dict[str, Key]:
        held = self._held
        return {name: key_of(held.distributions[name], value) for name, value in held.params.items()}

    @property
    def held(self) -> FrozenTrial:
        """The trial, as it is in the storage; not to be changed."""
        return self._held

    @contextmanager
    def ending(self, attributes: Mapping[str, Any], result: Sequence[float] = ()) -> Iterator[None]:
        """Give the trial these user attributes if it ends inside the block, in the same moment.

        Args:
            attributes: The attributes.
            result: The values of a trial that the pruner gave up on. Optuna's `tell` takes none for it.
        """
        self._ending, self._result = attributes, result
        try:
            with self.backend.explained_as_lost(self.lease):
                yield
        finally:
            self._ending, self._result = {}, ()

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        lease = self._lease_on(trial_id)
        known = self._cache.drawn_from.get(param_name) or self.backend.read(
            lambda connection: trial_writes.known_distribution(connection, lease.study_id, param_name)
        )
        if known is not None:
            with self.backend.explained_as_lost(lease):
                check_distribution_compatibility(known, distribution)
        if self._taken is None or not self._stays_apart(
            param_name, param_value_internal, distribution, self._taken
        ):
            self.backend.write(
                lambda connection: trial_writes.set_param(
                    connection, lease, param_name, param_value_internal, distribution
                )
            )
        self._cache.drawn_from[param_name] = known or distribution
        self._held.params.setdefault(param_name, distribution.to_external_repr(param_value_internal))
        self._held.distributions.setdefault(param_name, distribution)

    def _stays_apart(
        self, name: str, value: float, distribution: BaseDistribution, taken: Mapping[Key, Reach]
    ) -> bool:
        """Store a parameter that other trials may have drawn too, unless one has.

        Return False, and store nothing, where none may have.
        """
        external = distribution.to_external_repr(value)
        key, points = key_of(distribution, external), self._points()
        if key in taken:
            raise TakenError(key, taken[key])
        if self._is_alone or not self._draws_apart:
            return False
        here = self.others.space.at({**points, name: key})
        if is_drawn_once(distribution, external) and not self._by_plan:
            self._is_alone = here.is_unknown
            return False
        first = self.others.first_open
        found = self.backend.transact(
            lambda connection: distinct_trials.set_param(
                connection, self.lease, first, points, name, value, distribution, goes_on=here.goes_on
            )
        )
        if found.same and not found.more:
            raise TakenError(key, Reach.PENDING)
        return True

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        if not state.is_finished():
            raise ValueError(f"a claimed trial is ended or handed back, not put into the state {state.name}")
        held, attributes, lease = self._held, self._ending, self._lease_on(trial_id)
        if state is TrialState.PRUNED:
            values = self._result
            ending = self.backend.end_pruned(lease, values, attributes)
            state, ended = TrialState[ending.state], ending.at
        else:
            ended = self.backend.end(lease, state, values or (), attributes)
        held.state, held.values, held.datetime_complete = state, list(values or ()) or None, ended
        held.user_attrs.update(attributes)
        return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        lease = self._lease_on(trial_id)
        self.backend.write(
            lambda connection: trial_writes.report(connection, lease, step, intermediate_value)
        )
        self._held.intermediate_values[step] = intermediate_value

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        lease = self._lease_on(trial_id)
        self.backend.write(lambda connection: trial_writes.set_user_attribute(connection, lease, key, value))
        self._held.user_attrs[key] = json.loads(to_json(value))

    def set_trial_user_attrs(self, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Give the trial several user attributes at once."""
        lease = self._lease_on(trial_id)
        self.backend.transact(
            lambda connection: trial_writes.set_user_attributes(connection, lease, attributes)
        )
        self._held.user_attrs.update(json.loads(to_json(attributes)))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        lease = self._lease_on(trial_id)
        self.backend.write(
            lambda connection: trial_writes.set_system_attribute(connection, lease, key, value)
        )
        self._held.system_attrs[key] = json.loads(json.dumps(value))

    def _lease_on(self, trial_id: int) -> Lease:
        if trial_id != self.lease.trial_id:
            raise ValueError(f"who holds trial {self.lease.number} writes about no other one")
        return self.lease
