"""No trial fails for what the machine does: it goes back to the queue, and the worker stops in one line."""

import errno
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from optuna.trial import TrialState

from studyhall.search.core.events import Event, MachineUnfit, TrialStarted
from studyhall.search.core.outcome import Completed
from studyhall.search.processes.channel import TrialTask
from studyhall.search.processes.death import Death
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerCrashedError, TrainerProcess
from studyhall.search.workers import claims, fault_note, fitness
from studyhall.search.workers.lease_keeper import LeaseKeeper
from studyhall.search.workers.worker import Worker
from studyhall.studies.errors import ArtifactError, MachineError
from studyhall.studies.study.study import Study

FULL = OSError(errno.ENOSPC, "No space left on device")
NO_THREAD = RuntimeError("can't start new thread")
BACK = "Trial 0 is back in the queue."


class Trainer:
    """A training process of which a trial ends with an error, or completes."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def run(self, task: TrialTask, handle: Any, stop: Callable[[], bool]) -> Completed:
        if self._error is not None:
            raise self._error
        return Completed(0.5, 1, None)

    def stop(self) -> None:
        """Do nothing: there is no process."""


@pytest.fixture(autouse=True)
def own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave notes where no other test finds them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def study(site: Any) -> Study:
    """A study of one trial."""
    study: Study = site.study(trials=1)
    return study


def worker(site: Any, study: Study, trainer: Trainer, events: list[Event], stop: StopSwitch) -> Worker:
    return Worker(study, cast(TrainerProcess, trainer), site.store, events.append, stop)


def run(site: Any, study: Study, trainer: Trainer) -> None:
    with worker(site, study, trainer, [], StopSwitch()) as working:
        working.run()


def require_that_it_waits_as_if_nothing_had_happened(study: Study) -> None:
    (trial,) = study.optuna().trials
    assert trial.state is TrialState.WAITING
    again = study.trials.claim(lambda number: study.optuna().sampler, study.optuna().pruner)
    assert again is not None
    assert study.trials.lease_of(again).interruptions == 0


@pytest.mark.parametrize(
    "error",
    [
        MachineError("No space is left on the disk of 'x'. Free some, then run the same command again."),
        OSError(errno.EMFILE, "Too many open files"),  # where the process was to be started
        TrainerCrashedError(Death(-6, None, False), "terminate called\npthread_create() failed.\nAborted\n"),
        TrainerCrashedError(Death(1, None, False), "Traceback\nOSError: [Errno 28] No space left on device"),
    ],
)
def test_a_trial_that_the_machine_ends_goes_back(site: Any, study: Study, error: Exception) -> None:
    with pytest.raises(MachineError, match=BACK):
        run(site, study, Trainer(error))
    require_that_it_waits_as_if_nothing_had_happened(study)


@pytest.mark.parametrize("cause", ["the scratch folder", "the thread of its lease"])
def test_a_trial_that_cannot_be_begun_goes_back(
    site: Any, study: Study, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise FULL if cause == "the scratch folder" else NO_THREAD

    if cause == "the scratch folder":
        monkeypatch.setattr(claims, "scratch_folder", refuse)
    else:
        monkeypatch.setattr(LeaseKeeper, "__enter__", refuse)
    with pytest.raises(MachineError, match=BACK):
        run(site, study, Trainer())
    require_that_it_waits_as_if_nothing_had_happened(study)


def test_no_trial_is_taken_before_the_machine_can_train_one(
    site: Any, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", _refused(3, threading.Thread.start))
    events: list[Event] = []
    pauses: list[float] = []
    stop = StopSwitch()

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        assert study.counts().waiting == 1
        return False

    monkeypatch.setattr(stop, "wait", pause)
    with worker(site, study, Trainer(), events, stop) as working:
        working.run()
    assert pauses == [1.0, 2.0, 4.0]
    (told,) = (each for each in events if isinstance(each, MachineUnfit))
    assert told.reason.startswith("No thread or process can be started")
    assert [each.number for each in events if isinstance(each, TrialStarted)] == [0]
    assert study.counts().complete == 1


def _refused(times: int, then: Callable[..., None]) -> Callable[..., None]:
    left = [times]

    def start(thread: threading.Thread) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise NO_THREAD
        then(thread)

    return start


def test_workers_that_the_machine_ends_one_after_the_other_wait_for_ever_longer(
    site: Any, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_note, "time", SimpleNamespace(time=lambda: 0.0))
    pauses: list[float] = []

    def begin(trainer: Trainer) -> None:
        stop = StopSwitch()
        stop.wait = pauses.append  # type: ignore[assignment, method-assign]
        with worker(site, study, trainer, [], stop) as working:
            working.run()

    for _ in range(3):
        with pytest.raises(MachineError):
            begin(Trainer(MachineError("Too many files are open.")))
    begin(Trainer())
    assert pauses == [2.0, 4.0, 8.0]
    study.extend(1)
    begin(Trainer())
    assert len(pauses) == 3


def test_a_worker_that_waits_for_its_machine_can_be_told_to_stop(site: Any, study: Study) -> None:
    stop = StopSwitch()
    events: list[Event] = []
    trial_store = site.store

    class Full:
        def write(self, *_: Any) -> None:
            stop.set()
            raise ArtifactError("Cannot write to the artifact store: no space is left there.") from FULL

        def __getattr__(self, name: str) -> Any:
            return getattr(trial_store, name)

    with Worker(study, cast(TrainerProcess, Trainer()), Full(), events.append, stop) as working:
        working.run()
    assert MachineUnfit("Cannot write to the artifact store: no space is left there.") in events
    assert study.counts().waiting == 1


def test_a_store_that_refuses_for_another_reason_is_not_waited_for(site: Any) -> None:
    class Refuses:
        def write(self, *_: Any) -> None:
            raise ArtifactError("Cannot write: permission is denied.") from PermissionError(
                errno.EACCES, "no"
            )

    assert fitness.what_is_wrong(cast(Any, Refuses())) is None
    assert fitness.what_is_wrong(site.store) is None
