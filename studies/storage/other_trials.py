"""The other trials of a study, as the holder of a lease sees them."""

import time
from collections.abc import Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from studyhall.studies.queue.lease import Lease
from studyhall.studies.space.configurations import Tried
from studyhall.studies.space.space import Limits, Space
from studyhall.studies.storage.out_of_memory import as_samplers_see
from studyhall.studies.storage.study_cache import StudyCache

FRESH_SECONDS = 1.0
"""For how long the trials that a claim read count as all there are.

A pruner asks at every epoch, and reading them anew costs more than all else that an epoch costs.
"""


class OtherTrials:
    """The other trials of a study, as the holder of one sees them; read again once they may have changed."""

    def __init__(
        self, cache: StudyCache, lease: Lease, tried: Tried, limits: Limits, *, is_fresh: bool
    ) -> None:
        """See them through a cache; `is_fresh` says that it was read just now."""
        self._cache = cache
        self._lease = lease
        self._tried = tried
        self._limits = limits
        self._read_at = time.monotonic() if is_fresh else -FRESH_SECONDS
        self._space: Space | None = None
        self._first_open = 0

    def beside(self, own: FrozenTrial, directions: Sequence[StudyDirection]) -> list[FrozenTrial]:
        """Return all trials as samplers and pruners see them, with the holder's own as it is given.

        Others stand there by their best values so far, those that ran out of memory as bad ones.
        """
        self._read(anew=own.state.is_finished())
        return as_samplers_see(self._cache.judged(self._lease.study_id, directions[0], own), directions)

    @property
    def space(self) -> Space:
        """What they have tried and try, as of when it was first asked for, or looked at again."""
        if self._space is None:
            self._read()
            look = self._cache.look(self._lease.study_id, self._tried)
            others = (each for each in look.configurations if each.number != self._lease.number)
            self._space, self._first_open = Space.of(others, self._limits), look.first_open
        return self._space

    @property
    def first_open(self) -> int:
        """The id of the first trial that may have drawn more since `space` was asked for."""
        return self._first_open

    def look_again(self) -> None:
        """Read anew what they have tried and try when `space` is next asked for."""
        self._space, self._read_at = None, -FRESH_SECONDS

    def _read(self, *, anew: bool = False) -> None:
        now = time.monotonic()
        if anew or now - self._read_at >= FRESH_SECONDS:
            self._cache.read_trials(self._lease.study_id)
            self._read_at = now
