"""The trainer: does one task after another for the worker that started it, until that is gone.

It brings the framework, so nothing but the training process (`trainer_main`) imports this module.
"""

from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from studyhall.data.errors import DataError
from studyhall.search.core.machine import machine_error
from studyhall.search.core.outcome import Appraised
from studyhall.search.processes.channel import (
    AppraiseTask,
    CheckTask,
    Done,
    Note,
    Refused,
    RemoteHandle,
    RetrainTask,
    Task,
    TrainerEnd,
    TrialTask,
)
from studyhall.search.training.appraisal import appraise
from studyhall.search.training.check import run_check
from studyhall.search.training.retrain import run_retraining
from studyhall.search.training.saving import UnsavableModelError, is_plain, what_loading_needs
from studyhall.search.training.session import prepare
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import Workload, load_workload
from studyhall.studies.bundle.manifest import MODEL
from studyhall.studies.definition import Definition
from studyhall.studies.errors import WORK_FAILED, StudyhallError, UserCodeError, WorkFailedError


class Trainer:
    """Does tasks, and keeps what they share: the HyperModel and the data."""

    def __init__(self, end: TrainerEnd) -> None:
        self._end = end
        self._workloads: dict[tuple[str, int | None, int | None], Workload] = {}

    def run(self, task: Task) -> Any:
        """Do one task and return its result."""
        definition, scratch = task.job.definition, task.job.scratch
        match task:
            case CheckTask(_, configurations, thorough):
                workload = self._workload(definition, say=self._say)
                return run_check(definition, workload, configurations, thorough=thorough, say=self._say)
            case TrialTask():
                handle = RemoteHandle(self._end, task.number, task.seed, task.start)
                return run_trial(handle, definition, self._workload(definition), scratch, task.resume_from)
            case RetrainTask():
                handle = RemoteHandle(self._end, task.number, task.seed)
                retraining = definition.retraining
                workload = self._workload(definition, retraining.samples_per_epoch, retraining.batch_size)
                return run_retraining(handle, definition, workload, task.hyperparameters, scratch)
            case AppraiseTask():
                prepare(definition, self._workload(definition), definition.search.seed)
                return self._appraised(task, definition)

    def _appraised(self, task: AppraiseTask, definition: Definition) -> Appraised:
        score, model = appraise(task.folder, definition), task.folder / MODEL
        if is_plain(model):
            return Appraised(score, None)
        try:
            return Appraised(score, what_loading_needs(definition, model, task.job.scratch))
        except UnsavableModelError as error:
            raise WorkFailedError(f"Nothing is published: {error}") from error

    def _say(self, phase: str) -> None:
        self._end.send(Note("phase", (phase,)))

    def _workload(
        self,
        definition: Definition,
        samples_per_epoch: int | None = None,
        batch_size: int | None = None,
        say: Callable[[str], None] = lambda phase: None,
    ) -> Workload:
        key = (definition.model_dump_json(), samples_per_epoch, batch_size)
        if key not in self._workloads:
            self._workloads[key] = load_workload(
                definition, samples_per_epoch=samples_per_epoch, batch_size=batch_size, say=say
            )
        return self._workloads[key]


def serve(connection: Connection) -> None:
    """Do the tasks that come through a connection, for ever; the process ends when the worker is gone."""
    end = TrainerEnd(connection)
    trainer = Trainer(end)
    while True:
        task = end.next_task()
        try:
            end.send(Done(trainer.run(task)))
        except Exception as error:
            refusal = machine_error(error) or _refusal(error)
            if refusal is None:
                raise
            end.send(Refused(refusal))


def _refusal(error: Exception) -> StudyhallError | None:
    """Return an error for which the study is to blame; None for another, which ends the process."""
    if isinstance(error, StudyhallError):
        return error
    if not isinstance(error, DataError):
        return None
    failed = error.exit_status == WORK_FAILED  # a download, for which the study file is not to blame
    return WorkFailedError(str(error)) if failed else UserCodeError(str(error))
