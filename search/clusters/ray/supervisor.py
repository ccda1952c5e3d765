"""The actor that Ray places on a node: it runs one worker there, as a person would start it by hand."""

import os
import socket
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import ray

from studyhall.search.clusters.ray.messages import Orders
from studyhall.search.clusters.ray.project_package import ROOT
from studyhall.search.clusters.ray.slot import slot_for
from studyhall.search.devices.slots import describe
from studyhall.search.processes.launching import Ended, LocalWorkers
from studyhall.studies.errors import StudyhallError

LOOK_SECONDS = 1.0


class Supervisor:
    """One worker on one node.

    Ray makes it again elsewhere when the node is lost, and it starts a worker anew.

    Args:
        index: Which of them it is, from 0.
        orders: What all of them are told.
    """

    def __init__(self, index: int, orders: Orders) -> None:
        self._place = ""
        self._workers: LocalWorkers | None = None
        self._ended: Future[Ended] = Future()
        try:
            self._launch(index, orders)
        except (StudyhallError, OSError) as error:
            self._ended.set_result(Ended(f"worker {index + 1}", 2, f"Error: {error}"))
        if orders.alone:
            ray.get_runtime_context().current_actor.stay.remote()

    def _launch(self, index: int, orders: Orders) -> None:
        unpacked = Path.cwd()  # by Ray, from the package
        os.chdir(unpacked / ROOT)
        slot = slot_for(index, orders.total, orders.cpus, orders.gpus, os.environ)
        environment = dict(orders.environment) | {
            "STUDYHALL_PROJECT": str(unpacked / ROOT),
            "PYTHONPATH": _without(os.environ, unpacked),
        }
        self._workers = LocalWorkers([orders.study], [slot], environment, _to_ray_s_log)
        self._workers.__enter__()
        self._place = f"{describe(slot)}, on {socket.gethostname()}"
        self._ended = ThreadPoolExecutor(1).submit(self._watch, f"worker {index + 1}", self._workers)

    def _watch(self, name: str, workers: LocalWorkers) -> Ended:
        while workers.pids:
            workers.wait(LOOK_SECONDS)
        [ended] = workers.newly_ended()
        workers.close()
        return Ended(name, ended.status, ended.output)

    def place(self) -> str:
        """Where the worker runs, for people; empty where it could not be started."""
        return self._place

    def outcome(self) -> Ended:
        """Wait until the worker has ended."""
        return self._ended.result()

    def stop(self) -> None:
        """Tell the worker to hand back its trial and leave."""
        if self._workers is not None:
            self._workers.stop()

    def stay(self) -> None:
        """Stay until the worker has ended, then leave the node to others."""
        self._ended.result()
        ray.actor.exit_actor()


def _to_ray_s_log(name: str, line: str) -> None:
    """Write what a worker prints to this process's output, which Ray keeps in its logs."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _without(environment: Mapping[str, str], folder: Path) -> str:
    """Return PYTHONPATH without the folder that Ray has put there."""
    entries = environment.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(each for each in entries if each and Path(each) != folder)
