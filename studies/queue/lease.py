"""A lease: a worker's claim on a trial, which ends unless it is renewed."""

from dataclasses import dataclass, field
from typing import Literal

from studyhall.studies.errors import LeaseLostError

LEASE_SECONDS = 60.0
"""How long a lease lasts that is not renewed, unless its holder asked for another time."""

MAX_INTERRUPTIONS = 3
"""How often a trial may lose its worker until it is given up."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a trial can be continued: after `epoch`, from an artifact."""

    epoch: int
    artifact_id: str
    sha256: str


@dataclass(frozen=True)
class Lease:
    """A claim on a trial, as it was made.

    `token` is what tells this claim from every other one on the same trial. `checkpoint` is where the trial
    goes on, None for one that begins.
    """

    trial_id: int
    study_id: int
    number: int
    token: str = field(repr=False)
    worker: str
    interruptions: int
    checkpoint: Checkpoint | None


@dataclass(frozen=True)
class Released:
    """A trial whose worker is gone: it waits again, or was interrupted too often and failed."""

    number: int
    state: Literal["waiting", "failed"]
    interruptions: int


def lost(lease: Lease) -> LeaseLostError:
    """Return the error for a lease that is over."""
    return LeaseLostError(
        f"The lease on trial {lease.number} is over: the trial was given to another worker, or was ended "
        "elsewhere. Nothing was changed; take another trial."
    )
