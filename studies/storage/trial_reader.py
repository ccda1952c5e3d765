"""Trials as Optuna knows them, many or few: read by two SELECTs, without an object for every row."""

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import (
    Column,
    CompoundSelect,
    Connection,
    Float,
    Integer,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)

from studyhall.studies.database.optuna_tables import (
    number_of,
    trial_intermediate_values,
    trial_params,
    trial_system_attributes,
    trial_user_attributes,
    trial_values,
    trials,
)

_FEW = 100  # trials, up to which they are asked for by their ids
_PARAM, _RESULT, _EPOCH, _FOR_PEOPLE, _FOR_PROGRAMS = range(5)

_Fact = list[Any]
"""What is known of a trial by a row of one of the other tables.

Its key, by which the table is ordered, a name, a step, a number (None where it is not finite), and a text.
"""

Head = Row[Any]
"""A row of the table of trials."""


def read_heads(connection: Connection, study_id: int, first: int) -> Sequence[Head]:
    """Return the heads of a study's trials, from an id on, in the order of their ids."""
    return connection.execute(_HEADS, {"study": study_id, "first": first}).all()


def read_trial(connection: Connection, trial_id: int) -> FrozenTrial:
    """Return one trial."""
    head = connection.execute(_HEAD, {"trial": trial_id}).one()
    (trial,) = read_trials(connection, [head])
    return trial


def read_trials(connection: Connection, heads: Collection[Head]) -> list[FrozenTrial]:
    """Return trials whose heads were read before, in the order of those.

    Optuna's own reading gives the same by seven SELECTs, and takes five times as long where there are
    thousands. What is read of a trial that has ended is complete, because its head is what was written last
    and read first.
    """
    if not heads:
        return []
    ids = sorted(head.trial_id for head in heads)
    if len(ids) <= _FEW:
        found = connection.execute(_FACTS_OF_FEW, {"ids": ids}).all()
    else:
        (study_id,) = {head.study_id for head in heads}
        found = connection.execute(_FACTS_OF_MANY, {"study": study_id, "first": ids[0]}).all()
    facts: dict[int, list[list[_Fact]]] = defaultdict(lambda: [[] for _ in range(5)])
    for kind, trial_id, *fact in found:
        facts[trial_id][kind].append(fact)
    distribution = functools.cache(json_to_distribution)  # most trials have the same few
    return [_trial(head, facts[head.trial_id], distribution) for head in heads]


def _trial(
    head: Head, facts: list[list[_Fact]], distribution: Callable[[str], BaseDistribution]
) -> FrozenTrial:
    for each in facts:
        each.sort()
    params, results, epochs, for_people, for_programs = facts
    distributions = {name: distribution(text) for _, name, _, _, text in params}
    values = {step: number_of(number, text) for _, _, step, number, text in results}
    return FrozenTrial(
        number=head.number,
        state=TrialState[head.state],
        value=None,
        values=[values[objective] for objective in sorted(values)] or None,
        datetime_start=head.datetime_start,
        datetime_complete=head.datetime_complete,
        params={name: distributions[name].to_external_repr(number) for _, name, _, number, _ in params},
        distributions=distributions,
        user_attrs={name: json.loads(text) for _, name, _, _, text in for_people},
        system_attrs={name: json.loads(text) for _, name, _, _, text in for_programs},
        intermediate_values={step: number_of(number, text) for _, _, step, number, text in epochs},
        trial_id=head.trial_id,
    )


def _facts(of: Callable[[Select[Any], Table], Select[Any]]) -> CompoundSelect[Any]:
    """Return the SELECT of all that is known of the trials `of` beside their heads."""

    def part(
        kind: int,
        table: Table,
        *,
        name: Column[Any] | None = None,
        step: Column[Any] | None = None,
        number: Column[Any] | None = None,
        text: Column[Any],
    ) -> Select[Any]:
        (key,) = table.primary_key
        rows = select(
            literal_column(f"{kind}", Integer).label("kind"),
            table.c.trial_id.label("trial_id"),
            key.label("written"),
            cast(null() if name is None else name, Text).label("name"),
            cast(null() if step is None else step, Integer).label("step"),
            cast(null() if number is None else number, Float(53)).label("number"),
            cast(text, Text).label("text"),
        )
        return of(rows, table)

    p, v, e = trial_params.c, trial_values.c, trial_intermediate_values.c
    u, s = trial_user_attributes.c, trial_system_attributes.c
    return union_all(
        part(_PARAM, trial_params, name=p.param_name, number=p.param_value, text=p.distribution_json),
        part(_RESULT, trial_values, step=v.objective, number=v.value, text=v.value_type),
        part(
            _EPOCH,
            trial_intermediate_values,
            step=e.step,
            number=e.intermediate_value,
            text=e.intermediate_value_type,
        ),
        part(_FOR_PEOPLE, trial_user_attributes, name=u.key, text=u.value_json),
        part(_FOR_PROGRAMS, trial_system_attributes, name=s.key, text=s.value_json),
    )


_STUDY, _FIRST = bindparam("study", type_=Integer), bindparam("first", type_=Integer)
_IDS = bindparam("ids", type_=Integer, expanding=True)
_HEAD = select(trials).where(trials.c.trial_id == bindparam("trial", type_=Integer))
_HEADS = (
    select(trials).where(trials.c.study_id == _STUDY, trials.c.trial_id >= _FIRST).order_by(trials.c.trial_id)
)
_FACTS_OF_FEW = _facts(lambda rows, table: rows.where(table.c.trial_id.in_(_IDS)))
_FACTS_OF_MANY = _facts(
    lambda rows, table: rows.join(trials, trials.c.trial_id == table.c.trial_id).where(
        trials.c.study_id == _STUDY, trials.c.trial_id >= _FIRST
    )
)
