"""Many trials at once, as Optuna knows them: read by six SELECTs, without an object for every row."""

import functools
import json
import math
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Column, Connection, select

from studyhall.studies.tables import (
    trial_intermediate_values,
    trial_params,
    trial_system_attributes,
    trial_user_attributes,
    trial_values,
    trials,
)

_NOT_FINITE = {"NAN": math.nan, "INF_NEG": -math.inf, "INF_POS": math.inf}


def read_trials(connection: Connection, study_id: int, trial_ids: Collection[int]) -> list[FrozenTrial]:
    """Return some of a study's trials, in the order of their ids.

    Optuna's own reading gives the same, and takes five times as long where there are thousands.
    """
    if not trial_ids:
        return []
    first = min(trial_ids)

    def rows(*columns: Column[Any]) -> dict[int, list[Any]]:
        """Return a table's rows by their trial, in the order in which they were written."""
        table = columns[0].table
        (key,) = table.primary_key
        of_study = trials.c.study_id == study_id, trials.c.trial_id >= first
        query = select(table.c.trial_id, *columns).join(trials, trials.c.trial_id == table.c.trial_id)
        found = defaultdict(list)
        for trial_id, *row in connection.execute(query.where(*of_study).order_by(key)).all():
            found[trial_id].append(row)
        return found

    heads = connection.execute(
        select(trials)
        .where(trials.c.study_id == study_id, trials.c.trial_id >= first)
        .order_by(trials.c.trial_id)
    ).all()
    c = trial_params.c
    params = rows(c.param_name, c.param_value, c.distribution_json)
    results = rows(trial_values.c.objective, trial_values.c.value, trial_values.c.value_type)
    c = trial_intermediate_values.c
    curves = rows(c.step, c.intermediate_value, c.intermediate_value_type)
    for_people = rows(trial_user_attributes.c.key, trial_user_attributes.c.value_json)
    for_programs = rows(trial_system_attributes.c.key, trial_system_attributes.c.value_json)
    distribution = functools.cache(_distribution)  # most trials have the same few
    wanted = set(trial_ids)
    read = []
    for head in heads:
        each = head.trial_id
        if each not in wanted:
            continue
        distributions = {name: distribution(text) for name, _, text in params.get(each, ())}
        read.append(
            FrozenTrial(
                number=head.number,
                state=TrialState[head.state],
                value=None,
                values=[_number(*row) for _, *row in sorted(results[each])] if each in results else None,
                datetime_start=head.datetime_start,
                datetime_complete=head.datetime_complete,
                params={
                    name: distributions[name].to_external_repr(value)
                    for name, value, _ in params.get(each, ())
                },
                distributions=distributions,
                user_attrs={key: json.loads(text) for key, text in for_people.get(each, ())},
                system_attrs={key: json.loads(text) for key, text in for_programs.get(each, ())},
                intermediate_values={step: _number(*row) for step, *row in curves.get(each, ())},
                trial_id=each,
            )
        )
    return read


def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _number(value: float | None, kind: str) -> float:
    return _NOT_FINITE[kind] if value is None else value
