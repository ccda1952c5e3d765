"""What a search and its Ray driver tell each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from studyhall.search.processes.launching import Ended


@dataclass(frozen=True)
class Orders:
    """What every supervisor is told: the study's name, and the variables its workers need.

    Passwords are among them.

    `cpus` and `gpus` are what Ray gives each. With `alone` a supervisor ends by itself.
    """

    study: str
    total: int
    cpus: float
    gpus: float
    alone: bool
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Connect:
    """To the driver: connect to the Ray at this address, or to this machine's, or start one.

    `package` is the zip file of the user's project.
    """

    address: str | None
    package: str


@dataclass(frozen=True)
class Place:
    """To the driver: place the supervisors."""

    orders: Orders


@dataclass(frozen=True)
class Leave:
    """To the driver: have all workers hand back their trials and leave."""


@dataclass(frozen=True)
class LetGo:
    """To the driver: end, and leave the workers where they are."""


@dataclass(frozen=True)
class Cluster:
    """The driver is connected: what the cluster has now; `own` if the driver started it."""

    where: str
    nodes: int
    hosts: frozenset[str]
    cpus: float
    gpus: float
    own: bool


@dataclass(frozen=True)
class Placed:
    """A supervisor has started its worker; `place` says for people where."""

    name: str
    place: str


@dataclass(frozen=True)
class Lost:
    """A supervisor is gone, with its node or alone; Ray places it again."""

    name: str


@dataclass(frozen=True)
class NoRoom:
    """So many supervisors have waited for a while: the cluster is full, or too small."""

    waiting: int


@dataclass(frozen=True)
class Refused:
    """Ray cannot be used; no more will come."""

    reason: str


@dataclass(frozen=True)
class Over:
    """All supervisors have ended; no more will come."""


Told = Cluster | Placed | Lost | NoRoom | Ended | Refused | Over
