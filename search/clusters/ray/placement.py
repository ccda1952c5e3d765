"""The supervisors that Ray is asked for: placed, heard, told to leave; it runs in the driver alone."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayError, RayTaskError

from studyhall.search.clusters.ray.messages import Lost, NoRoom, Orders, Placed, Told
from studyhall.search.clusters.ray.supervisor import Supervisor
from studyhall.search.processes.launching import LAST_LINES, Ended

ROOM_SECONDS = 20.0  # how long supervisors wait before that is told
NAMESPACE = "studyhall"

_NO_STUDYHALL = (
    "Studyhall is not installed where Ray's nodes run Python: install the same version there, with: "
    "pip install studyhall"
)


class Placement:
    """Supervisors, one for each worker, from when Ray is asked for them until they have ended.

    Args:
        orders: What each of them is told.
        tell: Hears what becomes of them.
    """

    def __init__(self, orders: Orders, tell: Callable[[Told], None]) -> None:
        self._tell = tell
        self._asked = time.monotonic()
        self._told_of_room = self._leaving = False
        self._waiting: dict[Any, int] = {}  # for an answer of the supervisor with this index
        self._placed: set[int] = set()
        supervisor: Any = ray.remote(Supervisor)
        key = secrets.token_hex(4)
        self._actors: dict[int, Any] = {
            index: supervisor.options(
                name=f"{orders.study} {index + 1} of {orders.total} ({key})",
                lifetime="detached" if orders.alone else None,
                num_cpus=orders.cpus,
                num_gpus=orders.gpus,
                max_restarts=-1,
                max_concurrency=4,  # it answers while it waits for its worker
                scheduling_strategy="SPREAD",
            ).remote(index, orders)
            for index in range(orders.total)
        }
        for index in self._actors:
            self._ask_where(index)

    @property
    def over(self) -> bool:
        """Whether all of them have ended."""
        return not self._actors

    def look(self, seconds: float) -> None:
        """Tell what has become of them, waiting so long for news."""
        ready, _ = ray.wait(list(self._waiting), num_returns=1, timeout=seconds)
        for answer in ready:
            self._hear(self._waiting.pop(answer), answer)
        unplaced = self._actors.keys() - self._placed
        if unplaced and not self._told_of_room and time.monotonic() - self._asked > ROOM_SECONDS:
            self._told_of_room = True
            self._tell(NoRoom(len(unplaced)))

    def stop(self) -> None:
        """Have all workers hand back their trials and leave; those that wait for room go at once."""
        if self._leaving:
            return
        self._leaving = True
        for index, actor in self._actors.items():
            if index in self._placed:
                actor.stop.remote()
        self._give_up_unplaced()

    def _ask_where(self, index: int) -> None:
        # Where a node is lost, it is asked again of the supervisor that takes the place of the lost one.
        self._waiting[self._actors[index].place.options(max_task_retries=-1).remote()] = index

    def _ask_outcome(self, index: int) -> None:
        self._waiting[self._actors[index].outcome.remote()] = index

    def _hear(self, index: int, answer: Any) -> None:
        name = f"worker {index + 1}"
        try:
            news = ray.get(answer)
        except ActorUnavailableError:
            if index in self._placed:
                self._placed.discard(index)
                if not self._leaving:
                    self._tell(Lost(name))
            if self._leaving:
                self._forget(index)
            else:
                self._ask_where(index)
        except RayError as error:
            self._tell(Ended(name, 0 if self._leaving else 1, f"Error: {reason(error)}"))
            self._forget(index)
        else:
            if isinstance(news, Ended):
                self._tell(news)
                self._forget(index)
                if news.status == 0:
                    self._give_up_unplaced()  # the queue is empty
                return
            self._placed.add(index)
            if news:
                self._tell(Placed(name, news))
            self._ask_outcome(index)
            if self._leaving:
                self._actors[index].stop.remote()

    def _give_up_unplaced(self) -> None:
        for index in self._actors.keys() - self._placed:
            self._forget(index)

    def _forget(self, index: int) -> None:
        actor = self._actors.pop(index)
        self._placed.discard(index)
        self._waiting = {answer: each for answer, each in self._waiting.items() if each != index}
        ray.kill(actor, no_restart=True)


def reason(error: BaseException) -> str:
    """Return one line that says why Ray failed, of the many that it says."""
    text = str(error.cause) if isinstance(error, RayTaskError) else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("No module named 'studyhall" in line for line in lines):
        return _NO_STUDYHALL
    told = [line for line in lines[-LAST_LINES:] if "Error: " in line]
    return (told or lines or [type(error).__name__])[-1][:500]
