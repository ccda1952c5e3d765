"""What somebody asks of Ray on the command line."""

import socket
from dataclasses import dataclass

from studyhall.studies.errors import WORK_FAILED, StudyhallError

ANSWER_SECONDS = 5.0  # how long a cluster may take to take a connection


class RayError(StudyhallError):
    """Ray cannot do what it is asked, or is not there."""


class RayGoneError(RayError):
    """Ray was there, and is gone or does not answer."""

    exit_status = WORK_FAILED


@dataclass(frozen=True)
class RayRequest:
    """Workers, and what Ray is to give each of them.

    `address` is HOST:PORT of a Ray cluster, None for the one that runs on this machine, or a new one. `gpus`
    is a share of one GPU; None is a whole one where the cluster has any. With `detach` the workers go on
    without whoever asked for them.
    """

    address: str | None = None
    workers: int = 1
    cpus: float = 1.0
    gpus: float | None = None
    detach: bool = False


def require_answer(address: str) -> None:
    """Refuse an address where nothing listens; Ray itself would try for more than a minute.

    Raises:
        RayError: It is no HOST:PORT, or nothing answers there.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        raise RayError(f"{address!r} is not Ray's address: write HOST:PORT, as 'ray start --head' shows it")
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise RayError(
            f"No Ray answers at {address}: start one with 'ray start --head', or look at --address"
        ) from error
