"""What happens to workers and their database in a storm, and when: drawn from a seed, so that it can be
repeated.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass

KILL_WORKER = "kill -9 a worker"
KILL_TRAINER = "kill -9 a training process"
STOP_WORKER = "tell a worker to stop"
QUIT = "SIGQUIT a worker"
FILL = "fill the scratch disk"
FREEZE = "freeze a worker past its lease"
# On SQLite, which has no server, both of them lock the database for a while.
RESTART_FAST = "restart the database"
RESTART_IMMEDIATE = "crash and restart the database"

ACTIONS = (
    KILL_WORKER,
    KILL_TRAINER,
    STOP_WORKER,
    QUIT,
    FREEZE,
    FILL,
    RESTART_FAST,
    RESTART_IMMEDIATE,
)


@dataclass(frozen=True)
class Blow:
    """One thing that happens, so many seconds after the start, to the `victim`th (0 to 1) of the workers that
    live then.
    """

    seconds: float
    action: str
    victim: float


def draw(seed: int, seconds: float, mean_gap: float, calm: float) -> list[Blow]:
    """Draw a schedule: every action in turn, in an order of its own each time, between `calm` and
    `seconds`.
    """
    generator = random.Random(seed)
    blows: list[Blow] = []
    at = calm
    while True:
        for action in generator.sample(ACTIONS, len(ACTIONS)):
            if at >= seconds:
                return blows
            blows.append(Blow(round(at, 2), action, round(generator.random(), 3)))
            at += generator.uniform(0.2, 1.8) * mean_gap


def in_words(blows: Iterable[Blow]) -> str:
    """Return the schedule, one line for each blow."""
    return "\n".join(f"{blow.seconds:8.2f} s  {blow.action} ({blow.victim})" for blow in blows)
