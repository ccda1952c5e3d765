"""How a worker works, as its command line says: what cannot change a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studyhall.search.devices.slots import Slot
from studyhall.search.processes.limits import Limits
from studyhall.studies.queue.lease import LEASE_SECONDS


@dataclass(frozen=True)
class WorkerSettings:
    """A worker's patience, limits and device.

    `lease_seconds` is how long its trial is held without a sign of life; `environment` is what its training
    process finds in its environment besides ours; `device` says for people what it trains on. A worker that
    `leaves` does not wait for trials of others, which may come back. Where there are several `slots`, a
    search has its trials trained by a process for each.
    """

    lease_seconds: float = LEASE_SECONDS
    limits: Limits = field(default_factory=Limits)
    environment: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    leaves: bool = False
    slots: Sequence[Slot] = ()
