"""The running trials whose workers are silent: which workers those are, and when the trials come back."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from studyhall.studies.database.dialects import lease_now
from studyhall.studies.database.optuna_tables import RUNNING, trials
from studyhall.studies.database.studyhall_tables import leases

# A worker that lives renews its lease four times as often as it must; what is later than this was missed.
_SHARE_OF_LEASE = 0.5


@dataclass(frozen=True)
class SilentTrial:
    """A running trial whose worker is late; times are in seconds, by the database's clock."""

    number: int
    worker: str
    silent_seconds: float  # since the worker was last heard of
    back_seconds: float  # until its lease ends, and the trial is anybody's; negative where that is past


def silent_trials(connection: Connection, study_id: int) -> list[SilentTrial]:
    """Return a study's running trials whose workers are silent, in the order of their numbers."""
    silent = lease_now() - leases.c.renewed_at
    query = (
        select(trials.c.number, leases.c.worker, silent, leases.c.ttl_seconds - silent)
        .join(trials, trials.c.trial_id == leases.c.trial_id)
        .where(leases.c.study_id == study_id, leases.c.token.is_not(None), trials.c.state == RUNNING)
        .where(silent > leases.c.ttl_seconds * _SHARE_OF_LEASE)
        .order_by(trials.c.number)
    )
    return [SilentTrial(*row) for row in connection.execute(query)]
