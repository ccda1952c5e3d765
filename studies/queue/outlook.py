"""What may still come for workers that find nothing to take: trials that others have, and may give back.

Each function is one step of a transaction that the caller holds.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, case, exists, func, select

from studyhall.studies.database.dialects import lease_now, now, seconds_of
from studyhall.studies.database.optuna_tables import RUNNING, WAITING, trials
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.queue import flags, queue
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.queue.promotion import Rule


@dataclass(frozen=True)
class Outlook:
    """What a study may still have for a worker that finds nothing to take.

    Attributes:
        waits: Whether a trial waits, and may be taken.
        running: How many trials workers have.
        seconds: Until the first of those is taken back, if its worker is not heard of; None where none runs.
        stopping: Whether workers are asked to leave.
    """

    waits: bool
    running: int
    seconds: float | None
    stopping: bool

    @property
    def may_come_back(self) -> bool:
        """Whether there may be a trial to take later, though nobody adds any: the workers may die."""
        return self.running > 0 and not self.stopping

    @property
    def has_news(self) -> bool:
        """Whether a claim may find something now: a trial waits, or one has lost its worker."""
        return self.waits or (self.seconds is not None and self.seconds <= 0)


def look(connection: Connection, study_id: int, rule: Rule | None = None) -> Outlook:
    """Return what a study may still have, by one SELECT; where trials pause by a `rule`, by one more."""
    found = Outlook(*connection.execute(_LOOK, {"study": study_id}).one())
    if rule is None or not found.waits:
        return found
    return replace(found, waits=not queue.is_over(connection, study_id, rule=rule))


def _look() -> Select[*tuple[Any, ...]]:
    study, queued = bindparam("study", type_=Integer), trials.alias()
    # A trial that runs without a lease is another program's; reclaiming.py gives it as long as a lease.
    begun = func.coalesce(seconds_of(trials.c.datetime_start), 0.0)
    left = case(
        (leases.c.token.is_not(None), leases.c.renewed_at + leases.c.ttl_seconds - lease_now()),
        else_=begun + LEASE_SECONDS - now(),
    )
    of_study = trials.c.study_id == study
    held = trials.outerjoin(leases, leases.c.trial_id == trials.c.trial_id)
    return (
        select(
            exists().where(queued.c.study_id == study, queued.c.state == WAITING),
            func.count(),
            func.min(left),
            flags.requested(study),
        )
        .select_from(held)
        .where(of_study, trials.c.state == RUNNING)
    )


_LOOK = _look()
