"""The process that speaks to Ray for a search, which neither Ray's words nor its end then touch."""

import logging
import os
import secrets
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import ray

from studyhall.search.clusters.ray.messages import (
    Cluster,
    Connect,
    Leave,
    LetGo,
    Over,
    Place,
    Refused,
    Told,
)
from studyhall.search.clusters.ray.placement import NAMESPACE, Placement, reason
from studyhall.search.clusters.ray.request import RayError
from studyhall.search.devices.slots import usable_cpus
from studyhall.search.processes.launching import STOP_SECONDS

LOOK_SECONDS = 0.2
OBJECT_STORE_BYTES = 100_000_000  # of a Ray of our own; nothing of any size goes through it

_ENVIRONMENT = {  # of the supervisors; anybody who may look at Ray's dashboard sees it
    # Else Ray kills a worker with its supervisor, before it can hand back its trial.
    "RAY_kill_child_processes_on_worker_exit": "0",
}


def main() -> None:
    """Serve the search at the connection whose number is on the command line, until it or Ray ends."""
    connection = Connection(int(sys.argv[1]))
    try:
        serve(connection, _teller(connection))
    except (EOFError, ConnectionError):
        return  # the search is gone, and told us nothing more; its workers end by themselves
    finally:
        ray.shutdown()


def serve(connection: Connection, tell: Callable[[Told], None]) -> None:
    """Connect to Ray, place the supervisors, and pass on what becomes of them."""
    asked: Connect = connection.recv()
    try:
        tell(connect(asked.address, asked.package))
    except RayError as error:
        tell(Refused(str(error)))
        return
    wanted: Place | Leave = connection.recv()
    if isinstance(wanted, Leave):
        tell(Over())
        return
    try:
        placement = Placement(wanted.orders, tell)
    except (ray.exceptions.RayError, RuntimeError, ValueError) as error:
        tell(Refused(f"Ray refuses the workers: {reason(error)}"))
        return
    until: float | None = None
    while not placement.over and (until is None or time.monotonic() < until):
        placement.look(LOOK_SECONDS)
        if until is None and (order := _order(connection)) is not None:
            if isinstance(order, LetGo):
                return
            placement.stop()
            until = time.monotonic() + STOP_SECONDS
    tell(Over())


def _order(connection: Connection) -> Leave | LetGo | None:
    """Return what the search wants, None for nothing new; that it is gone is an order to leave."""
    try:
        order: Leave | LetGo | None = connection.recv() if connection.poll() else None
    except (EOFError, ConnectionError):
        return Leave()
    return order


def _teller(connection: Connection) -> Callable[[Told], None]:
    def tell(news: Told) -> None:
        try:
            connection.send(news)
        except ConnectionError:
            return  # the search is gone; what it has asked for is seen to its end

    return tell


def connect(address: str | None, package: str) -> Cluster:
    """Connect to the Ray at HOST:PORT; for None to this machine's, or to a new one; for "local" to that.

    Args:
        address: Where Ray is.
        package: The zip file of the user's project, which Ray unpacks on each node.

    Raises:
        RayError: There is none, or it is of another version.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    job: dict[str, Any] = {
        "namespace": NAMESPACE,
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "runtime_env": {"working_dir": package, "env_vars": _ENVIRONMENT},
    }
    try:
        own = address == "local" or not _joined(address, job)
        if own:
            _have_token_of_our_own()
            ray.init(
                address="local",
                num_cpus=usable_cpus(),
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                **job,
            )
    except (ray.exceptions.RayError, RuntimeError, ValueError, OSError) as error:
        hint = "; if it asks for a token, set RAY_AUTH_MODE=token here" if isinstance(error, OSError) else ""
        raise RayError(f"Ray at {address or 'this machine'} cannot be used: {reason(error)}{hint}") from error
    nodes = [node for node in ray.nodes() if node["Alive"]]
    resources = ray.cluster_resources()
    return Cluster(
        "this machine" if own else ray.get_runtime_context().gcs_address,
        len(nodes),
        frozenset(node["NodeManagerHostname"] for node in nodes),
        resources.get("CPU", 0.0),
        resources.get("GPU", 0.0),
        own,
    )


def _have_token_of_our_own() -> None:
    """Have a new Ray let nobody else in, with a token that ends with it.

    Left to itself, Ray writes one to the user's home, and every later `ray start` asks for that.
    """
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _joined(address: str | None, job: dict[str, Any]) -> bool:
    """Connect to a Ray that runs; False where none is named, and none runs on this machine."""
    if address is None or address == "auto":
        try:
            ray.init(address="auto", **job)
        except ConnectionError:
            return False
        return True
    ray.init(address=address, **job)
    return True


if __name__ == "__main__":
    main()
