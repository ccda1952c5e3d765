"""What an idle worker may wait for, on SQLite and on PostgreSQL."""

import pytest
from optuna.trial import TrialState
from sqlalchemy import update

from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.queue.outlook import Outlook
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from tests.support.studies import claim, define


def test_an_idle_worker_hears_of_what_waits_of_what_others_have_and_of_what_has_lost_its_worker(
    empty_storage_url: str,
) -> None:
    storage = open_storage(empty_storage_url, create=False)
    other = Study.create_or_join(storage, define(1, "another"))
    claim(other)  # which concerns nobody else
    study = Study.create_or_join(storage, define(2))
    assert study.trials.outlook() == Outlook(True, 0, None, False)
    assert not study.trials.outlook().may_come_back
    first = claim(study)
    second = claim(study)

    held = study.trials.outlook()
    assert (held.waits, held.running, held.stopping) == (False, 2, False)
    assert held.seconds == pytest.approx(60, abs=30)
    assert held.may_come_back
    assert not held.has_news

    silent = update(leases).where(leases.c.trial_id == second._trial_id).values(renewed_at=0.0)
    storage.transact(lambda connection: connection.execute(silent))
    late = study.trials.outlook()
    assert (late.running, late.has_news) == (2, True)
    assert late.seconds is not None
    assert late.seconds < 0

    study.results.complete(first, 0.5)
    study.request_stop()
    stopped = study.trials.outlook()
    assert (stopped.running, stopped.stopping, stopped.may_come_back) == (1, True, False)
    storage.close()


def test_a_trial_that_another_program_runs_comes_back_a_minute_after_it_was_begun(
    empty_storage_url: str,
) -> None:
    storage = open_storage(empty_storage_url, create=False)
    study = Study.create_or_join(storage, define(1))
    (waiting,) = study.optuna().trials
    storage.set_trial_state_values(waiting._trial_id, TrialState.RUNNING)
    outlook = study.trials.outlook()
    assert outlook.running == 1
    assert outlook.seconds == pytest.approx(60, abs=30)
    storage.close()
