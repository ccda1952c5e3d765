"""The end of a study whose trials pause: what is still paused ends as pruned.

Each function is one step of a transaction that the caller holds.
"""

from sqlalchemy import Connection, exists, func, insert, select, update

from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import PRUNED_AFTER
from studyhall.studies.database.dialects import insert_into, utc_now
from studyhall.studies.database.optuna_tables import (
    COMPLETE,
    FINITE,
    PRUNED,
    RUNNING,
    WAITING,
    trial_intermediate_values,
    trial_user_attributes,
    trial_values,
    trials,
)
from studyhall.studies.database.studyhall_tables import rungs
from studyhall.studies.json_text import to_json
from studyhall.studies.queue import flags, pruning, queue, reclaiming
from studyhall.studies.queue.promotion import Rule


def close(connection: Connection, study_id: int, rule: Rule, *, spent: bool) -> int:
    """End what is paused where the study is at its end; return how many trials ended.

    It is at its end where no trial runs and none can be claimed, or the budget is spent; not where workers
    are only asked to leave. A trial that waits and has reached a rung gets the best value that it reported.
    It ends as pruned, and as complete where it is the best, as one that a pruner gave up on. Its checkpoint
    is left over.

    Args:
        connection: The transaction.
        study_id: The study.
        rule: The study's.
        spent: Whether its budget is spent, so that nobody claims what waits.
    """
    study_rows.lock(connection, study_id)
    if flags.is_requested(connection, study_id):
        return 0
    running = exists().where(trials.c.study_id == study_id, trials.c.state == RUNNING)
    if connection.scalar(select(running)):
        return 0
    if not spent and not queue.is_over(connection, study_id, rule=rule):
        return 0
    return _end_all(connection, study_id, rule)


def _end_all(connection: Connection, study_id: int, rule: Rule) -> int:
    c, curve = trials.c, trial_intermediate_values.c
    has_rung = exists().where(rungs.c.trial_id == c.trial_id)
    paused = c.study_id == study_id, c.state == WAITING, has_rung
    best = (func.max if rule.direction == "maximize" else func.min)(curve.intermediate_value)
    reported = connection.execute(
        select(c.trial_id, best.label("value"), func.max(curve.step).label("step"))
        .join(trial_intermediate_values, curve.trial_id == c.trial_id)
        .where(*paused, curve.intermediate_value_type == FINITE)
        .group_by(c.trial_id)
    ).all()
    first = min(
        reported,
        key=lambda each: (-each.value if rule.direction == "maximize" else each.value, each.trial_id),
        default=None,
    )
    if first is not None and not pruning.is_matched(connection, study_id, [first.value]):
        complete = update(trials).where(c.trial_id == first.trial_id)
        connection.execute(complete.values(state=COMPLETE, datetime_complete=utc_now()))
        ended = 1
    else:
        ended = 0
    pruned = update(trials).where(*paused).values(state=PRUNED, datetime_complete=utc_now())
    ended += connection.execute(pruned).rowcount
    if reported:
        values = [
            {"trial_id": each.trial_id, "objective": 0, "value": each.value, "value_type": FINITE}
            for each in reported
        ]
        connection.execute(insert(trial_values), values)
        facts = [
            {"trial_id": each.trial_id, "key": PRUNED_AFTER, "value_json": to_json(each.step)}
            for each in reported
        ]
        connection.execute(insert_into(connection, trial_user_attributes).on_conflict_do_nothing(), facts)
    if ended:
        reclaiming.drop_ended(connection, study_id)
    return ended
