"""A worker that finds the queue empty waits, and cheaply, while trials of others may come back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from optuna.trial import Trial, TrialState
from sqlalchemy import event

from studyhall.search.core.events import Event, TrialStarted, Waiting
from studyhall.search.core.outcome import Completed
from studyhall.search.processes.channel import TrialTask
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.workers import wait
from studyhall.search.workers.budget import Budget, EpochGate
from studyhall.search.workers.worker import Worker
from studyhall.studies.study.study import Study
from tests.support.studies import claim, random_sampler


class Completes:
    """A trainer of which every trial completes at once."""

    def __init__(self) -> None:
        self.stopped = 0

    def run(self, task: TrialTask, handle: Any, stop: Callable[[], bool]) -> Completed:
        return Completed(0.5, 1, None)

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def study(site: Any) -> Study:
    """A study of one trial."""
    study: Study = site.study(trials=1)
    return study


class Waiter:
    """A worker that finds the one trial taken; `meanwhile` is what happens at its pauses, one after the
    other.
    """

    def __init__(self, site: Any, study: Study, *, leaves: bool = False) -> None:
        self.events: list[Event] = []
        self.pauses: list[float] = []
        self.trainer = Completes()
        self.stop = StopSwitch()
        self.meanwhile: Callable[[], object] = lambda: None
        self.stop.wait = self._pause  # type: ignore[method-assign]
        self.worker = Worker(
            study,
            cast(TrainerProcess, self.trainer),
            site.store,
            self.events.append,
            self.stop,
            leaves=leaves,
        )

    def _pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.meanwhile()
        return self.stop()

    def run(self) -> None:
        with self.worker:
            self.worker.run()

    @property
    def trained(self) -> list[int]:
        return [each.number for each in self.events if isinstance(each, TrialStarted)]


def state(study: Study) -> TrialState:
    (trial,) = study.optuna().trials
    return trial.state


@pytest.mark.parametrize("how", ["killed", "told to stop"])
def test_the_trial_of_a_worker_that_is_gone_is_taken_by_the_one_that_waits(
    site: Any, study: Study, how: str
) -> None:
    trial = study.trials.claim(
        random_sampler, study.optuna().pruner, worker="gone", lease_seconds=0.01 if how == "killed" else 60
    )
    assert trial is not None
    waiter = Waiter(site, study)
    if how == "told to stop":
        waiter.meanwhile = hand_back_once(study, trial)
    waiter.run()
    assert waiter.trained == [0]
    assert state(study) is TrialState.COMPLETE


def hand_back_once(study: Study, trial: Trial) -> Callable[[], object]:
    given: list[Trial] = []

    def hand_back() -> None:
        if not given:
            study.trials.hand_back(trial)
            given.append(trial)

    return hand_back


@pytest.mark.parametrize("end", ["the trial ends", "the study is stopped", "the worker is told to stop"])
def test_the_waiting_ends_with_what_is_waited_for(site: Any, study: Study, end: str) -> None:
    trial = claim(study)
    waiter = Waiter(site, study)

    def meanwhile() -> None:
        (seen,) = study.workers.alive()
        assert (seen.worker, seen.trial) == (waiter.worker.name, None)
        if end == "the trial ends":
            study.results.complete(trial, 0.5)
        elif end == "the study is stopped":
            study.request_stop()
        else:
            waiter.stop.set()

    waiter.meanwhile = meanwhile
    waiter.run()
    assert waiter.trained == []
    assert [each for each in waiter.events if isinstance(each, Waiting)] == [Waiting(1)]
    assert len(waiter.pauses) == 1
    assert (waiter.worker.over is not None) == (end == "the study is stopped")


def test_a_worker_that_is_to_leave_leaves(site: Any, study: Study) -> None:
    claim(study)
    waiter = Waiter(site, study, leaves=True)
    waiter.run()
    assert (waiter.pauses, waiter.trained) == ([], [])
    assert state(study) is TrialState.RUNNING


@contextmanager
def statements(study: Study) -> Iterator[list[str]]:
    """Note the statements that a study's database gets."""
    noted: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        noted.append(statement)

    event.listen(study.storage.engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(study.storage.engine, "before_cursor_execute", note)


def test_an_hour_of_waiting_costs_one_query_in_five_seconds_and_a_sign_of_life_in_fifteen(
    study: Study,
) -> None:
    claim(study)
    now = [0.0]
    rested: list[float] = []
    waiting = wait.Wait(
        study,
        "idle",
        EpochGate(study, Budget()),
        wait.Idle(rests=lambda: rested.append(now[0])),
        stopped=lambda: now[0] >= 3600,
        pause=lambda seconds: now.__setitem__(0, now[0] + seconds),
        lease_seconds=60.0,
        clock=lambda: now[0],
    )
    # The lease of the other is renewed all the time.
    study.storage.transact(lambda connection: connection.exec_driver_sql(RENEW))
    with statements(study) as noted:
        assert not waiting.for_news()
    looks = [each for each in noted if each.startswith("SELECT") and "studyhall_leases" in each]
    signs = [each for each in noted if each.startswith("UPDATE studyhall_workers")]
    assert 3600 / 5 <= len(looks) < 3600 / 5 + 30
    assert 3600 / 20 <= len(signs) <= 3600 / 15 + 1
    assert len(rested) == 1
    assert 60 <= rested[0] < 66


RENEW = "UPDATE studyhall_leases SET ttl_seconds = 1e9"


def test_several_idle_workers_take_one_trial_once(site: Any, study: Study) -> None:
    claimed = study.trials.claim(random_sampler, study.optuna().pruner, worker="gone", lease_seconds=0.5)
    assert claimed is not None
    waiters = [Waiter(site, study) for _ in range(2)]
    for each in waiters:
        each.stop.wait = StopSwitch.wait.__get__(each.stop)  # type: ignore[method-assign]
    threads = [threading.Thread(target=each.run) for each in waiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [number for each in waiters for number in each.trained] == [0]
    assert state(study) is TrialState.COMPLETE
