"""What Studyhall knows of Optuna's schema is what Optuna's own models say."""

import pytest
from optuna.storages._rdb import models
from optuna.study.study import _SYSTEM_ATTR_METRIC_NAMES
from sqlalchemy import Enum, Table

from studyhall.studies.database import attributes, optuna_tables

OURS = [table for table in vars(optuna_tables).values() if isinstance(table, Table)]


@pytest.mark.parametrize(
    "table", [t for t in OURS if t is not optuna_tables.alembic_version], ids=lambda t: t.name
)
def test_tables_agree_with_optunas(table: Table) -> None:
    theirs = models.BaseModel.metadata.tables[table.name]
    for column in table.columns:
        known = theirs.columns[column.name]
        assert type(column.type) is type(known.type)
        assert (column.primary_key, bool(column.unique)) == (known.primary_key, bool(known.unique))
        assert column.nullable == known.nullable
        if isinstance(column.type, Enum):
            assert isinstance(known.type, Enum)
            assert (set(column.type.enums), column.type.name) == (set(known.type.enums), known.type.name)


@pytest.mark.parametrize(
    "table", [t for t in OURS if t is not optuna_tables.alembic_version], ids=lambda t: t.name
)
def test_columns_that_studyhall_leaves_out_may_be_left_empty(table: Table) -> None:
    if table is optuna_tables.version_info:
        return  # only read
    theirs = models.BaseModel.metadata.tables[table.name]
    assert all(column.nullable for column in theirs.columns if column.name not in table.columns)


def test_metric_names_are_where_optuna_looks_for_them() -> None:
    assert attributes.METRIC_NAMES == _SYSTEM_ATTR_METRIC_NAMES
