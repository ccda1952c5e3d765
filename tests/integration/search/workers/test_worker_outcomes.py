"""What a worker writes of each way in which a trial ends, and what it leaves when it goes."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from optuna.trial import TrialState
from sqlalchemy import update

from studyhall.search.core.events import Event, TrialEnded
from studyhall.search.core.outcome import Completed, Dropped, Failed, HandedBack, Interrupted, TrialOutcome
from studyhall.search.processes.channel import TrialTask
from studyhall.search.processes.death import Death
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerCrashedError, TrainerProcess
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.search.workers.worker import Worker
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.errors import LeaseLostError, UserCodeError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.study.study import Study

WAITING, COMPLETE, FAIL = TrialState.WAITING, TrialState.COMPLETE, TrialState.FAIL
DONE = Completed(0.5, 1, None)
UNREPORTED = Failed(FailureKind.INVALID, "training reports no 'f1'", blames_study=True)
KILLED = TrainerCrashedError(Death(-9, None, False), "")


class Ends:
    """A trainer whose trials end as they are told to, one after the other."""

    def __init__(self, *ends: TrialOutcome | Exception | Callable[[], TrialOutcome]) -> None:
        self._ends = list(ends)

    def run(self, task: TrialTask, handle: StudyHandle, stop: Callable[[], bool]) -> TrialOutcome:
        end = self._ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end() if callable(end) else end

    def stop(self) -> None:
        """Do nothing: there is no process."""


Work = Callable[..., list[TrialOutcome]]


@pytest.fixture
def study(site: Any) -> Study:
    """A study of two trials."""
    study: Study = site.study(trials=2)
    return study


@pytest.fixture
def stop() -> StopSwitch:
    return StopSwitch()


@pytest.fixture
def work(site: Any, study: Study, stop: StopSwitch) -> Work:
    """Run a worker, whose trials end as given; return what it says of their ends, and check that it
    is gone.
    """

    def run(*ends: Any, over: str | None = None, leaves: bool = False) -> list[TrialOutcome]:
        events: list[Event] = []
        trainer = cast(TrainerProcess, Ends(*ends))
        with Worker(study, trainer, site.store, events.append, stop, leaves=leaves) as worker:
            worker.run()
            assert [each.worker for each in study.workers.alive()] == [worker.name]
        assert study.workers.alive() == []
        assert worker.over == over
        return [each.outcome for each in events if isinstance(each, TrialEnded)]

    return run


def states(study: Study) -> list[TrialState]:
    return [each.state for each in study.optuna().trials]


def test_a_trial_whose_process_is_killed_has_another_try_and_not_for_ever(study: Study, work: Work) -> None:
    *tries, last, other = work(KILLED, KILLED, KILLED, DONE)
    assert tries == [Interrupted(KILLED.reason)] * 2
    assert last == Failed(FailureKind.CRASHED, KILLED.reason)
    assert other == DONE
    assert states(study) == [FAIL, COMPLETE]


def test_a_trial_that_reports_no_objective_blames_the_study_while_no_other_has_a_result(
    study: Study, work: Work
) -> None:
    with pytest.raises(UserCodeError, match="training reports no 'f1'"):
        work(UNREPORTED)
    assert states(study) == [WAITING, WAITING]
    assert work(DONE, UNREPORTED) == [DONE, UNREPORTED]
    assert states(study) == [COMPLETE, FAIL]


def test_a_failure_that_blames_no_study_is_its_trials_alone(study: Study, work: Work) -> None:
    failed = Failed(FailureKind.NAN, "val_loss is nan")
    assert work(failed, DONE) == [failed, DONE]
    assert states(study) == [FAIL, COMPLETE]
    assert "traceback" not in study.optuna().trials[0].user_attrs


def test_the_whole_traceback_of_a_failure_is_kept_with_its_trial(study: Study, work: Work) -> None:
    work(Failed(FailureKind.ERROR, "build fails", "Traceback (most recent call last):\n..."), DONE)
    known = study.optuna().trials[0].user_attrs
    assert (known["reason"], known["traceback"]) == ("build fails", "Traceback (most recent call last):\n...")


def test_a_trial_that_another_process_has_by_now_is_dropped(study: Study, work: Work) -> None:
    def silent_too_long() -> TrialOutcome:
        expired = update(leases).values(renewed_at=0.0, ttl_seconds=0.0)
        study.storage.transact(lambda connection: connection.execute(expired))
        assert study.trials.reclaim_expired()
        return DONE

    assert work(silent_too_long, DONE, DONE) == [Dropped(), DONE, DONE]
    assert states(study) == [COMPLETE, COMPLETE]


def test_a_trial_that_is_handed_back_waits(study: Study, work: Work, stop: StopSwitch) -> None:
    def told_to_stop() -> TrialOutcome:
        stop.set()
        return HandedBack(0)

    assert work(told_to_stop) == [HandedBack(0)]
    assert states(study) == [WAITING, WAITING]


def test_a_worker_says_why_it_takes_no_trial_of_a_study_that_is_stopped(study: Study, work: Work) -> None:
    study.request_stop()
    assert work(over="it was stopped with: studyhall stop") == []
    assert states(study) == [WAITING, WAITING]


def test_a_lease_that_is_found_over_in_the_middle_of_training_drops_the_trial_alone(
    study: Study, work: Work
) -> None:
    assert work(LeaseLostError("the lease is over"), DONE, leaves=True) == [Dropped(), DONE]
    assert states(study) == [TrialState.RUNNING, COMPLETE]
