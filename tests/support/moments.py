"""The moments of a search's life at which a signal may come, each known by a function that is called then."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Moment:
    """A moment of a search.

    `where` is the function, as in "module:Class.method", as its caller finds it; `after` says that the moment
    is when it returns. `done` says that the search has published by then, and ends as if no signal had come.
    """

    name: str
    where: str
    after: bool = False
    done: bool = False

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called at this moment, when it first comes."""
        module, _, path = self.where.partition(":")
        owner: Any = import_module(module)
        *classes, name = path.split(".")
        for each in classes:
            owner = getattr(owner, each)
        original, left = getattr(owner, name), [function]

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not self.after and left:
                left.pop()()
            result = original(*args, **kwargs)
            if self.after and left:
                left.pop()()
            return result

        setattr(owner, name, wrapped)


_SESSION = "studyhall.search.session"
_STUDY_HANDLE = "studyhall.search.workers.study_handle:StudyHandle"
_CLAIMS = "studyhall.search.workers.claims:Claims"
_TRAINER = "studyhall.search.processes.trainer_process:TrainerProcess"
_PUBLISHER = f"{_SESSION}.publisher"

MOMENTS = (
    Moment("its command begins", "studyhall.search.commands.group:run"),
    Moment("its study file is read", "studyhall.studies.study_file.reference:resolve_study"),
    Moment("its devices are planned", "studyhall.search.devices.slots:plan_slots"),
    Moment("it says what signals do", "studyhall.search.processes.stop_switch:StopSwitch.on_signals"),
    Moment("its training process is to start", f"{_TRAINER}.start"),
    Moment("its training process has started", f"{_TRAINER}.start", after=True),
    Moment("the database is asked for the study", f"{_SESSION}.workplace:study_exists"),
    Moment("the study is checked", f"{_SESSION}.dry_run:_Phases.phase"),
    Moment("the study is checked and not yet created", f"{_SESSION}.workplace:check", after=True),
    Moment("the study is to be created", f"{_SESSION}.workplace:open_study"),
    Moment("the study is created", f"{_SESSION}.workplace:open_study", after=True),
    Moment("its worker is registered", f"{_CLAIMS}.registered"),
    Moment("a trial is to be claimed", f"{_CLAIMS}.claim"),
    Moment("a trial is claimed", f"{_CLAIMS}.claim", after=True),
    Moment("a trial draws a value", f"{_STUDY_HANDLE}.suggest"),
    Moment("a trial begins an epoch", f"{_STUDY_HANDLE}.begin_epoch", after=True),
    Moment("a trial reports an epoch", f"{_STUDY_HANDLE}.report"),
    Moment("a trial leaves a checkpoint", f"{_STUDY_HANDLE}.checkpoint"),
    Moment("a trial's end is to be written", f"{_CLAIMS}.end"),
    Moment("a trial's end is written", f"{_CLAIMS}.end", after=True),
    Moment("its queue is empty", f"{_SESSION}.session:Session.publish"),
    Moment("the best trial is to be retrained", f"{_PUBLISHER}:Publisher._retrain"),
    Moment("the retraining reports an epoch", f"{_PUBLISHER}:_RetrainingListener.report"),
    Moment("the model is to be evaluated", f"{_PUBLISHER}:Publisher._appraise"),
    Moment("the bundle is to be published", f"{_PUBLISHER}:Publisher._publish", done=True),
    Moment("it says that it is done", f"{_SESSION}.session:Session.finish", done=True),
    Moment(
        "its process ends", "studyhall.search.processes.interruption:Interruption.over", after=True, done=True
    ),
)

_WORKERS = "studyhall.search.processes.launching:LocalWorkers"
LAUNCHERS_MOMENTS = (
    Moment("no worker is launched", f"{_WORKERS}.__enter__"),
    Moment("a worker is launched", f"{_WORKERS}._launch", after=True),
    Moment("all workers are launched", f"{_WORKERS}.__enter__", after=True),
    Moment("a worker has claimed a trial", f"{_CLAIMS}.claim", after=True),
    Moment("a worker reports an epoch", f"{_STUDY_HANDLE}.report"),
)
"""Of `studyhall worker --workers N`, some of them in the workers."""
