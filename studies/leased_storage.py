"""The storage as the holder of a lease sees it: whatever it writes about its trial needs the lease."""

import copy
import json
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from studyhall.studies.leases import Lease
from studyhall.studies.out_of_memory import as_samplers_see, ran_out_of_memory
from studyhall.studies.storage import StudyStorage
from studyhall.studies.study_cache import StudyCache

FRESH_SECONDS = 1.0
"""For how long the trials that a claim read count as all there are: a pruner asks at every epoch, and reading them anew costs more
than all else that an epoch costs."""


class LeasedStorage(StudyCache):
    """A view of the cached storage, for one claim; it shares what is cached with all others.

    It shows the sampler trials that ran out of memory as bad ones; `out_of_memory` are these, when trials were last read. Every write raises LeaseLostError, and changes nothing, once the lease is over.

    Nobody but the holder writes about the trial, so it is read once; what is written is noted down here, too.
    """

    def __init__(self, shared: StudyCache, lease: Lease) -> None:
        self.__dict__.update(shared.__dict__)
        self.lease = lease
        self.out_of_memory: Sequence[FrozenTrial] = ()
        self._ending: Mapping[str, Any] = {}
        self._held: FrozenTrial | None = None  # the trial as it is while the lease lasts, once it was read
        self._has_ended = False
        self._read_at = -FRESH_SECONDS

    @property
    def backend(self) -> StudyStorage:
        """The storage that is cached."""
        backend = self._backend
        if not isinstance(backend, StudyStorage):
            raise TypeError(f"leases are kept in a StudyStorage, not in {backend!r}")
        return backend

    def get_trial(self, trial_id: int) -> FrozenTrial:
        if trial_id != self.lease.trial_id or self._has_ended:
            return super().get_trial(trial_id)
        if self._held is None:
            self._held = super().get_trial(trial_id)
        return copy.deepcopy(self._held)

    # Private, but it is what Optuna's cache does first whenever it is asked for all trials.
    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        now = time.monotonic()
        if now - self._read_at >= FRESH_SECONDS or self._has_ended:
            super()._read_trials_from_remote_storage(study_id)
            self._read_at = now

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = super().get_all_trials(study_id, deepcopy, None)
        if not self._has_ended:
            own = self.get_trial(self.lease.trial_id)
            trials = [own if each.number == own.number else each for each in trials]
        self.out_of_memory = ran_out_of_memory(trials)
        if self.out_of_memory:
            trials = as_samplers_see(trials, self.get_study_directions(study_id))
        return trials if states is None else [each for each in trials if each.state in states]

    @contextmanager
    def ending(self, attributes: Mapping[str, Any]) -> Iterator[None]:
        """Give the trial these user attributes if it ends inside the block, in the same moment."""
        self._ending = attributes
        try:
            with self.backend.explaining(self.lease):
                yield
        finally:
            self._ending = {}

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        with self.backend.fenced(self.lease):
            super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
        if self._held is not None:
            self._held.params[param_name] = distribution.to_external_repr(param_value_internal)
            self._held.distributions[param_name] = distribution

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        if trial_id == self.lease.trial_id and state.is_finished():
            self.backend.end(self.lease, state, values or (), self._ending)
            self._has_ended = True
            return True
        with self.backend.fenced(self.lease):
            return super().set_trial_state_values(trial_id, state, values)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        with self.backend.fenced(self.lease):
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)
        if self._held is not None:
            self._held.intermediate_values[step] = intermediate_value

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self.backend.fenced(self.lease):
            super().set_trial_user_attr(trial_id, key, value)
        if self._held is not None:
            self._held.user_attrs[key] = json.loads(json.dumps(value))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self.backend.fenced(self.lease):
            super().set_trial_system_attr(trial_id, key, value)
        if self._held is not None:
            self._held.system_attrs[key] = json.loads(json.dumps(value))
