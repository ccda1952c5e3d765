"""Answers that were worked out a moment ago: however many ask at once, the work is done once."""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from starlette.concurrency import run_in_threadpool

KEPT_SECONDS = 1.0  # at least this long
WORKING_SHARE = 0.05  # of the time, at most, is spent on working out one answer again and again

T = TypeVar("T")


@dataclass(frozen=True)
class _Outcome:
    """What some work gave, and until when that is as good as new; `value` counts where there is no error."""

    until: float
    value: Any = None
    error: Exception | None = None


@dataclass
class ShortCache:
    """Keeps answers for a moment, in one event loop.

    It keeps failures as well, so that a dead database is left alone.
    """

    clock: Callable[[], float] = time.monotonic
    _flights: dict[Hashable, "asyncio.Task[_Outcome]"] = field(default_factory=dict)

    async def get(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` returns, run in a thread; or what it returned to somebody else a moment ago.

        Args:
            key: Names the answer; different work must have different keys.
            work: May take long. The longer it takes, the longer its answer is kept.

        Raises:
            Exception: Whatever `work` raises.
        """
        flight = self._flights.get(key)
        if flight is None or self._is_stale(flight):
            self._forget()
            flight = asyncio.ensure_future(self._fly(work))
            self._flights[key] = flight
        outcome = await asyncio.shield(flight)  # a reader who leaves takes nothing from the others
        if outcome.error is not None:
            raise outcome.error
        return cast(T, outcome.value)

    async def _fly(self, work: Callable[[], Any]) -> _Outcome:
        begun = self.clock()
        value, problem = None, None
        try:
            value = await run_in_threadpool(work)
        except Exception as error:  # noqa: BLE001 - everybody who waits gets it
            problem = error
        took = self.clock() - begun
        return _Outcome(self.clock() + max(KEPT_SECONDS, took / WORKING_SHARE), value, problem)

    def _is_stale(self, flight: "asyncio.Task[_Outcome]") -> bool:
        if not flight.done():
            return flight.get_loop().is_closed()
        return flight.cancelled() or flight.result().until <= self.clock()

    def _forget(self) -> None:
        for key in [key for key, flight in self._flights.items() if self._is_stale(flight)]:
            del self._flights[key]
