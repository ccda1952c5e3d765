"""The storage as the holder of a lease sees it: whatever it writes about its trial needs the lease."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import TrialState

from studyhall.studies.leases import Lease
from studyhall.studies.storage import StudyStorage


class LeasedStorage(_CachedStorage):
    """A view of Optuna's cached storage, for one claim; it shares what is cached with all others.

    Every write raises LeaseLostError, and changes nothing, once the lease is over.
    """

    def __init__(self, shared: _CachedStorage, lease: Lease) -> None:
        self.__dict__.update(shared.__dict__)
        self.lease = lease
        self._ending: Mapping[str, Any] = {}

    @property
    def backend(self) -> StudyStorage:
        """The storage that is cached."""
        backend = self._backend
        if not isinstance(backend, StudyStorage):
            raise TypeError(f"leases are kept in a StudyStorage, not in {backend!r}")
        return backend

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

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        if trial_id == self.lease.trial_id and state.is_finished():
            self.backend.end(self.lease, state, values or (), self._ending)
            return True
        with self.backend.fenced(self.lease):
            return super().set_trial_state_values(trial_id, state, values)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        with self.backend.fenced(self.lease):
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self.backend.fenced(self.lease):
            super().set_trial_user_attr(trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self.backend.fenced(self.lease):
            super().set_trial_system_attr(trial_id, key, value)
