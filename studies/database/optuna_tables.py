"""The part of Optuna's schema that Studyhall reads and writes itself, known without importing Optuna."""

import math

from sqlalchemy import Column, DateTime, Enum, Float, ForeignKey, Integer, MetaData, String, Table, Text

_metadata = MetaData()
_NAME = String(512)

WAITING = "WAITING"
RUNNING = "RUNNING"
COMPLETE = "COMPLETE"
PRUNED = "PRUNED"
FAIL = "FAIL"

# The types of a number: of those that are not finite, Optuna stores the type and no value.
FINITE = "FINITE"
INF_POS = "INF_POS"
INF_NEG = "INF_NEG"
NAN = "NAN"
_NOT_FINITE = {INF_POS: math.inf, INF_NEG: -math.inf, NAN: math.nan}

studies = Table(
    "studies",
    _metadata,
    Column("study_id", Integer, primary_key=True),
    Column("study_name", _NAME, unique=True, nullable=False),
)

study_directions = Table(
    "study_directions",
    _metadata,
    Column("study_direction_id", Integer, primary_key=True),
    Column("direction", Enum("NOT_SET", "MINIMIZE", "MAXIMIZE", name="studydirection"), nullable=False),
    Column("study_id", Integer, ForeignKey("studies.study_id"), nullable=False),
    Column("objective", Integer, nullable=False),
)

study_user_attributes = Table(
    "study_user_attributes",
    _metadata,
    Column("study_user_attribute_id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("studies.study_id")),
    Column("key", _NAME),
    Column("value_json", Text),
)

study_system_attributes = Table(
    "study_system_attributes",
    _metadata,
    Column("study_system_attribute_id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("studies.study_id")),
    Column("key", _NAME),
    Column("value_json", Text),
)

trials = Table(
    "trials",
    _metadata,
    Column("trial_id", Integer, primary_key=True),
    Column("number", Integer),  # from 0 within its study, in the order of trial_id
    Column("study_id", Integer, ForeignKey("studies.study_id")),
    Column("state", Enum(RUNNING, COMPLETE, PRUNED, FAIL, WAITING, name="trialstate"), nullable=False),
    Column("datetime_start", DateTime),  # UTC, without a zone
    Column("datetime_complete", DateTime),  # UTC, without a zone
)

trial_values = Table(
    "trial_values",
    _metadata,
    Column("trial_value_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id"), nullable=False),
    Column("objective", Integer, nullable=False),
    Column("value", Float(53)),  # null where the type is infinite
    Column("value_type", Enum(FINITE, INF_POS, INF_NEG, name="trialvaluetype"), nullable=False),
)

trial_intermediate_values = Table(
    "trial_intermediate_values",
    _metadata,
    Column("trial_intermediate_value_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("intermediate_value", Float(53)),  # null where it is not finite
    Column(
        "intermediate_value_type",
        Enum(FINITE, INF_POS, INF_NEG, NAN, name="trialintermediatevaluetype"),
        nullable=False,
    ),
)

trial_user_attributes = Table(
    "trial_user_attributes",
    _metadata,
    Column("trial_user_attribute_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id")),
    Column("key", _NAME),
    Column("value_json", Text),
)

trial_system_attributes = Table(
    "trial_system_attributes",
    _metadata,
    Column("trial_system_attribute_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id")),
    Column("key", _NAME),
    Column("value_json", Text),
)

trial_params = Table(
    "trial_params",
    _metadata,
    Column("param_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id")),
    Column("param_name", _NAME),
    Column("param_value", Float(53)),  # a choice's index, where it is one
    Column("distribution_json", Text),
)

version_info = Table(
    "version_info",
    _metadata,
    Column("version_info_id", Integer, primary_key=True),
    Column("library_version", String(256)),
)

alembic_version = Table("alembic_version", _metadata, Column("version_num", String(32), primary_key=True))


def stored(number: float) -> tuple[float | None, str]:
    """Return what Optuna stores of a number: its value, None where it is not finite, and its type."""
    if math.isfinite(number):
        return number, FINITE
    if math.isnan(number):
        return None, NAN
    return None, INF_POS if number > 0 else INF_NEG


def number_of(value: float | None, kind: str) -> float:
    """Return the number that Optuna stored as this value and this type."""
    return _NOT_FINITE[kind] if value is None else value
