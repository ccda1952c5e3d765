"""Workers in a search space that has an end: what they do with a trial that would repeat another one."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution

from studyhall.search.core.events import Event, TrialEnded
from studyhall.search.core.outcome import Completed, DrawsAgain, Failed, HandedBack, TrialOutcome
from studyhall.search.processes.channel import Task
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.views.narration import exhausted_in_words, in_words
from studyhall.search.workers import claims as claims_module
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.definition import Definition
from studyhall.studies.errors import RepeatedConfigurationError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage import drawing
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.study import Study

SPACE = CategoricalDistribution(("a", "b"))


class Pretends(TrainerProcess):
    """Trains nothing, in the worker's own process: asks for so many choices, begins its epoch, and returns.

    `begun` is called where training would begin.
    """

    def __init__(self, choices: int, begun: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._choices = choices
        self._begun = begun

    def run(self, task: Task, handle: Any, stop_requested: Callable[[], bool]) -> TrialOutcome:
        try:
            for number in range(self._choices):
                wanted = handle.start.values.get(f"choice {number}")
                handle.suggest(f"choice {number}", SPACE, wanted)
        except RepeatedConfigurationError as error:
            return Failed(FailureKind.INVALID, str(error))  # as the training process does
        if not handle.begin_epoch(1):
            return HandedBack(0)
        self._begun()
        return Completed(1.0, 1, None)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers look for something to try every few milliseconds."""
    monkeypatch.setattr(claims_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(drawing, "PATIENCE_SECONDS", 0.1)


def define(trials: int, enqueue: Sequence[dict[str, str]] = (), **search: Any) -> Definition:
    return Definition.model_validate(
        {"name": "bss", "search": {"trials": trials, **search}, "enqueue": list(enqueue)}
    )


def outcomes(study: Study, folder: Path, *trainers: Pretends) -> list[TrialOutcome]:
    """Have a worker with each trainer work through the queue at once; return how their trials ended."""
    store = open_artifact_store(str(folder / "artifacts"), create=True)
    events: list[Event] = []

    def work(trainer: Pretends) -> None:
        own = Study.open(study.storage, study.name)
        with trainer, Worker(own, trainer, store, events.append, StopSwitch()) as worker:
            worker.run()

    threads = [threading.Thread(target=work, args=(trainer,)) for trainer in trainers]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert all(in_words(each) for each in events)
    return [each.outcome for each in events if isinstance(each, TrialEnded)]


def test_workers_try_each_configuration_once_and_leave(storage: StudyStorage, tmp_path: Path) -> None:
    study = Study.create_or_join(storage, define(11))
    ended = outcomes(study, tmp_path, Pretends(2), Pretends(2), Pretends(2))
    assert sum(isinstance(each, Completed) for each in ended) == 4
    assert not any(isinstance(each, Failed) for each in ended)
    assert study.counts() == Counts(complete=4)
    assert study.space.exhausted() == Exhausted(configurations=4, withdrawn=7)


def test_a_worker_waits_for_what_another_one_tries(storage: StudyStorage, tmp_path: Path) -> None:
    study = Study.create_or_join(storage, define(5))
    # Both train at once, so neither may leave before the other is done.
    meet = threading.Barrier(2, timeout=30)
    outcomes(study, tmp_path, Pretends(1, meet.wait), Pretends(1, meet.wait))
    assert study.counts() == Counts(complete=2)
    assert study.space.exhausted() == Exhausted(2, 3)


def test_a_model_without_hyperparameters_is_trained_by_one_worker(
    storage: StudyStorage, tmp_path: Path
) -> None:
    study = Study.create_or_join(storage, define(4))
    begun = []
    outcomes(study, tmp_path, *(Pretends(0, lambda: begun.append(1)) for _ in range(3)))
    assert len(begun) == 1
    assert study.counts() == Counts(complete=1)
    assert study.space.exhausted() == Exhausted(1, 3)


def test_it_is_trained_again_where_the_study_asks_for_it(storage: StudyStorage, tmp_path: Path) -> None:
    study = Study.create_or_join(storage, define(4, repeat=True))
    outcomes(study, tmp_path, Pretends(0))
    assert study.counts() == Counts(complete=4)


def test_what_cannot_be_completed_as_asked_is_drawn_anew(storage: StudyStorage, tmp_path: Path) -> None:
    asked = [{"choice 0": "a", "choice 1": "a"}, {"choice 0": "a", "choice 1": "b"}]
    study = Study.create_or_join(storage, define(3, asked))
    outcomes(study, tmp_path, Pretends(2))
    study.enqueue({"choice 0": "a"})
    study.extend(3)
    ended = outcomes(study, tmp_path, Pretends(2))
    (again,) = [each.reason for each in ended if isinstance(each, DrawsAgain)]
    assert (
        again
        == "every value of 'choice 1' that is left leads to a configuration that another trial has tried"
    )
    tried = [tuple(each.params.values()) for each in study.optuna().trials]
    assert {("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")} == set(tried)


def test_the_end_of_a_space_in_words() -> None:
    assert exhausted_in_words(Exhausted(4, 11)) == (
        "All 4 configurations were tried; 11 waiting trials are withdrawn (search.repeat = true tries them again)"
    )
    assert exhausted_in_words(Exhausted(1, 1), "repeat=True") == (
        "The only configuration was tried; 1 waiting trial is withdrawn (repeat=True tries them again)"
    )
