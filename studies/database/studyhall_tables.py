"""The tables that Studyhall keeps beside Optuna's, of leases, rungs, workers, publications and leftovers."""

from sqlalchemy import DDL, Boolean, Column, Float, ForeignKey, Integer, MetaData, String, Table, event

from studyhall.studies.database.optuna_tables import studies, trials

metadata = MetaData()
_NAME = String(512)

# Deleting a study or a trial, in any program, deletes what is here about it.


def _of_study() -> Column[int]:
    return Column(
        "study_id", Integer, ForeignKey(studies.c.study_id, ondelete="CASCADE"), nullable=False, index=True
    )


def _trial_as_key() -> Column[int]:
    return Column(
        "trial_id",
        Integer,
        ForeignKey(trials.c.trial_id, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )


leases = Table(
    "studyhall_leases",
    metadata,
    _trial_as_key(),
    _of_study(),
    Column("token", String(32)),  # what the holder knows; null while nobody holds the trial
    Column("worker", _NAME, nullable=False),  # the last holder
    Column("interruptions", Integer, nullable=False),
    Column("renewed_at", Float(53), nullable=False),  # seconds since 1970, by the database's clock
    Column("ttl_seconds", Float(53), nullable=False),
    Column("checkpoint_epoch", Integer),
    Column("checkpoint_artifact", _NAME),
    Column("checkpoint_sha256", String(64)),
)

rungs = Table(
    "studyhall_rungs",  # those that trials have reached where a scheduler pauses them
    metadata,
    _trial_as_key(),
    Column("rung", Integer, primary_key=True, autoincrement=False),  # from 0
    _of_study(),
    Column("value", Float(53)),  # the best so far; null where that is no number
    Column("goes_on", Boolean, nullable=False),  # whether it was let go on from there
    Column("reached_at", Float(53), nullable=False),  # seconds since 1970, by the database's clock
)

workers = Table(
    "studyhall_workers",
    metadata,
    Column("worker", _NAME, primary_key=True),
    _of_study(),
    Column("host", _NAME, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("device", _NAME, nullable=False),
    Column("started_at", Float(53), nullable=False),  # seconds since 1970, by the database's clock
    Column("seen_at", Float(53), nullable=False),  # as above
    Column("trial", Integer),  # the number of the one that it holds
    Column("epoch", Integer),
    Column("images_per_second", Float(53)),
)

leftovers = Table(
    "studyhall_leftovers",
    metadata,
    Column("artifact_id", _NAME, primary_key=True),
    _of_study(),
)

publications = Table(
    "studyhall_publications",  # those that are under way
    metadata,
    Column(
        "study_id",
        Integer,
        ForeignKey(studies.c.study_id, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("token", String(32), nullable=False),  # what the holder knows
    Column("holder", _NAME, nullable=False),  # for people
    Column("renewed_at", Float(53), nullable=False),  # seconds since 1970, by the database's clock
    Column("ttl_seconds", Float(53), nullable=False),
)

clocks = Table(
    "studyhall_clocks",  # shared_clock.py: only SQLite needs it
    metadata,
    Column("boot", String(64), primary_key=True),  # which start of a machine
    Column("ahead_seconds", Float(53), nullable=False),  # of 1970, when the machine was started
)


def _forget_on_sqlite(table: Table, of: Table, key: str) -> None:
    # SQLite heeds foreign keys only on connections that ask for it, which Optuna's own do not; and it gives
    # the number of a deleted row to the next new one.
    trigger = DDL(  # type: ignore[no-untyped-call]
        f"CREATE TRIGGER IF NOT EXISTS {table.name}_forget AFTER DELETE ON {of.name} "
        f"BEGIN DELETE FROM {table.name} WHERE {key} = OLD.{key}; END"
    )
    event.listen(table, "after_create", trigger.execute_if(dialect="sqlite"))


_forget_on_sqlite(leases, trials, "trial_id")
_forget_on_sqlite(rungs, trials, "trial_id")
_forget_on_sqlite(workers, studies, "study_id")
_forget_on_sqlite(leftovers, studies, "study_id")
_forget_on_sqlite(publications, studies, "study_id")
