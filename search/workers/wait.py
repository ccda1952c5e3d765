"""An idle worker's wait for trials that others have, and that may come back to the queue.

The queue may be empty while trials run whose workers will be told to stop, or die. The last worker that is
there then takes them; so whoever leaves early may leave a trial to nobody.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from studyhall.search.workers.budget import EpochGate
from studyhall.search.workers.lease_keeper import RENEWALS_PER_LEASE, sleep
from studyhall.studies.study.study import Study

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # s, between two looks at the database
PAUSES = 0.25  # the share of what was waited so far that is waited until the next look
IDLE_SECONDS = 60.0  # after which a worker lets go of what it may not need for long


def _nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Idle:
    """What a worker does while there is nothing to take.

    Attributes:
        leaves: Whether it leaves, even if trials of others may come back.
        notice: Is told once how many trials it waits for.
        rests: Is called once it has waited for a minute.
        unfit: Is told why this machine can train nothing, while that is so.
    """

    leaves: bool = False
    notice: Callable[[int], object] = _nothing
    rests: Callable[[], object] = _nothing
    unfit: Callable[[str], object] = _nothing


class Wait:
    """A wait that lasts until there is news: one SELECT a look, and ever fewer looks, up to every 5 s.

    Args:
        study: The study.
        worker: The worker's name.
        gate: Says whether the study's budget is used up.
        idle: What to do meanwhile.
        stopped: Says whether the worker was told to stop.
        pause: Waits for so many seconds, or until the worker is told to stop.
        lease_seconds: How long others take a worker for alive that gives no sign of life.
        clock: Seconds that pass.
    """

    def __init__(
        self,
        study: Study,
        worker: str,
        gate: EpochGate,
        idle: Idle,
        *,
        stopped: Callable[[], bool],
        pause: Callable[[float], object],
        lease_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._study = study
        self._worker = worker
        self._gate = gate
        self._idle = idle
        self._stopped = stopped
        self._pause = pause
        self._sign_seconds = lease_seconds / RENEWALS_PER_LEASE
        self._clock = clock
        self._began = clock()
        self._seen = float("-inf")
        self._is_noticed = self._rests = False

    def for_news(self) -> bool:
        """Wait until another claim may find a trial.

        It returns False where none will come back, all workers are asked to leave, the budget is used up, or
        this worker was told to stop.
        """
        is_first = True
        while not self._stopped() and self._gate.may_claim():
            outlook = self._study.trials.outlook()
            if not is_first and outlook.has_news:
                return True
            # What waited then may have been withdrawn since.
            untried = outlook.waits and not outlook.stopping
            others_try_the_rest = untried and self._study.trials.others_try_the_rest
            if not (others_try_the_rest or (outlook.may_come_back and not self._idle.leaves)):
                return outlook.has_news and not outlook.stopping
            self._say(outlook.running)
            pause = min(max(SHORTEST_PAUSE, self._waited() * PAUSES), LONGEST_PAUSE)
            soon = pause if outlook.seconds is None else max(SHORTEST_PAUSE, outlook.seconds)
            sleep(self._pause, min(pause, soon), self._study.storage.patience.note_silence, self._clock)
            is_first = False
        return False

    def _waited(self) -> float:
        return self._clock() - self._began

    def _say(self, running: int) -> None:
        """Say what is waited for, and that this worker lives."""
        if not self._is_noticed:
            self._is_noticed = True
            self._idle.notice(running)
        if not self._rests and self._waited() >= IDLE_SECONDS:
            self._rests = True
            self._idle.rests()
        if self._clock() - self._seen >= self._sign_seconds:
            self._seen = self._clock()
            self._study.workers.seen(self._worker)
