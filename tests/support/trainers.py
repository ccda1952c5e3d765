"""Trainers that stand for the training process, and do what they do in the test's own process."""

import time
from collections.abc import Callable
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from studyhall.search.core.outcome import Appraised, Checked, Completed, Failed, Retrained
from studyhall.search.processes.channel import CheckTask, RetrainTask, Task, TrialTask
from studyhall.search.processes.trainer_process import TrainerProcess, TrainerStoppedError

EPOCHS = 5  # of a trial of `LightTrainer`

FACTS: dict[str, Any] = {
    "seed": 1,
    "parameters": 9,
    "backend": "jax",
    "device": "CPU",
    "versions": {},
    "revision": None,
    "data_fingerprint": "",
}
"""What is recorded about a training."""


class LightTrainer(TrainerProcess):
    """Pretends to train each trial for so many seconds; it imports no Keras."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.trained = 0.0
        self._seconds = seconds

    def run(self, task: Task, handle: Any, stop_requested: Callable[[], bool]) -> Completed:
        if not isinstance(task, TrialTask):
            raise TypeError(f"a worker was to do {task!r}")
        filters = handle.suggest("filters", IntDistribution(4, 64))
        rate = handle.suggest("learning_rate", FloatDistribution(1e-4, 1e-1, log=True))
        handle.record({"hyperparameters": {"filters": filters, "learning_rate": rate}})
        value = rate
        for epoch in range(1, EPOCHS + 1):
            handle.begin_epoch(epoch)
            began = time.perf_counter()
            time.sleep(self._seconds / EPOCHS)
            self.trained += time.perf_counter() - began
            value = rate + 1 / (filters * epoch)
            handle.report(epoch, value)
        model = task.job.scratch / "model.keras"
        model.write_bytes(bytes(1000))
        return Completed(value, EPOCHS, model)


class PublishingTrainer(TrainerProcess):
    """Retrains and evaluates at once, for a publisher.

    Attributes:
        failure: How the retraining fails, if it does; an exception is raised.
        value: What the retraining reaches otherwise.
        history: What its epochs reported, if more than the value.
        test_metrics: What the evaluation finds.
        before_retraining: Called where a retraining would train.
        before_appraisal: Called where a model would be evaluated.
        retrained: How many retrainings there were.
    """

    def __init__(self, before_retraining: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.failure: Failed | Exception | None = None
        self.value = 0.5
        self.history: dict[str, list[Any]] | None = None
        self.test_metrics: dict[str, Any] | None = None
        self.before_retraining = before_retraining
        self.before_appraisal: Callable[[], object] = lambda: None
        self.retrained = 0

    def run(self, task: Task, handle: Any, stop_requested: Callable[[], bool]) -> Any:
        if isinstance(task, RetrainTask):
            self.before_retraining()
            self.retrained += 1
            if isinstance(self.failure, Exception):
                raise self.failure
            assert not handle.report(1, self.value), "a retraining is never pruned"
            handle.progress(1, 3, 4)
            model = task.job.scratch / "model.keras"
            model.write_bytes(b"weights")
            history = self.history or {"val_loss": [self.value]}
            return self.failure or Retrained(self.value, 1, model, history, 1.0, FACTS)
        self.before_appraisal()
        if stop_requested():
            raise TrainerStoppedError
        return Appraised(self.test_metrics, None)


class StandInTrainer(PublishingTrainer):
    """Checks, trains, retrains and evaluates at once: a whole search in the time of its bookkeeping."""

    def run(self, task: Task, handle: Any, stop_requested: Callable[[], bool]) -> Any:
        if isinstance(task, CheckTask):
            return Checked(9, ("loss", "val_loss"), misfits=(None,) * len(task.configurations))
        if not isinstance(task, TrialTask):
            return super().run(task, handle, stop_requested)
        rate = handle.suggest("learning_rate", FloatDistribution(1e-4, 1e-1, log=True))
        handle.record({**FACTS, "hyperparameters": {"learning_rate": rate}, "history": {"val_loss": [rate]}})
        handle.report(1, rate)
        model = task.job.scratch / "model.keras"
        model.write_bytes(b"weights")
        return Completed(rate, 1, model)
