"""The training process: does one task after another for the worker that started it, until that worker is gone.

Run as `python -m studyhall.search.trainer FD`, where FD is an open socket to the worker. Nothing else imports this module.
"""

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from studyhall.data.errors import DataError
from studyhall.search.channel import (
    CheckTask,
    Done,
    EvaluateTask,
    Refused,
    RemoteHandle,
    RetrainTask,
    Task,
    TrainerEnd,
    TrialTask,
)
from studyhall.search.check import run_check
from studyhall.search.evaluation import evaluate_model
from studyhall.search.retrain import run_retraining
from studyhall.search.trial import run_trial
from studyhall.search.workload import Workload, load_workload
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ModelFileError, StudyhallError, UserCodeError
from studyhall.studies.training_sections import BUILT_IN_SOURCES


class Trainer:
    """Does tasks, and keeps what they share: the HyperModel and the data."""

    def __init__(self, end: TrainerEnd) -> None:
        self._end = end
        self._workloads: dict[tuple[str, int | None, int | None], Workload] = {}

    def run(self, task: Task) -> Any:
        """Do one task and return its result."""
        definition, scratch = task.job.definition, task.job.scratch
        match task:
            case CheckTask():
                return run_check(definition, self._workload(definition))
            case TrialTask():
                handle = RemoteHandle(self._end, task.number, task.seed, task.start)
                return run_trial(handle, definition, self._workload(definition), scratch)
            case RetrainTask():
                handle = RemoteHandle(self._end, task.number, task.seed)
                retraining = definition.retraining
                workload = self._workload(definition, retraining.samples_per_epoch, retraining.batch_size)
                return run_retraining(handle, definition, workload, task.hyperparameters, scratch)
            case EvaluateTask():
                return score(task.model, definition)

    def _workload(
        self,
        definition: Definition,
        samples_per_epoch: int | None = None,
        batch_size: int | None = None,
    ) -> Workload:
        key = (definition.model_dump_json(), samples_per_epoch, batch_size)
        if key not in self._workloads:
            self._workloads[key] = load_workload(
                definition, samples_per_epoch=samples_per_epoch, batch_size=batch_size
            )
        return self._workloads[key]


def score(model: Path, definition: Definition) -> dict[str, Any] | None:
    """Score a saved model by the protocol, on the test split.

    None where the protocol says nothing: the data are the user's own, or the model is no separator.
    """
    if definition.data.source not in BUILT_IN_SOURCES:
        return None
    try:
        return evaluate_model(model, definition.data.mix, source=definition.data.source).to_record()
    except ModelFileError:
        return None


def serve(connection: Connection) -> None:
    """Do the tasks that come through a connection, for ever; the process ends when the worker is gone."""
    end = TrainerEnd(connection)
    trainer = Trainer(end)
    while True:
        task = end.next_task()
        try:
            end.send(Done(trainer.run(task)))
        except StudyhallError as error:
            end.send(Refused(error))
        except DataError as error:
            end.send(Refused(UserCodeError(str(error))))


if __name__ == "__main__":
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    serve(Connection(descriptor))
