"""The searches that are compared, each as its users run it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import optuna

from studyhall.search.bridge.hyperparameters import plain_hyperparameters
from studyhall.search.core.events import EpochDone
from studyhall.search.processes.channel import Task, TrialTask
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.training.check import run_check
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import Workload, load_workload
from studyhall.search.workers.worker import Worker
from studyhall.studies.database.retrying import Patience
from studyhall.studies.study.opening import open_study
from tests.benchmarks.efficiency.trace import Trace, Witness
from tests.benchmarks.efficiency.workload import ARGUMENTS, BLIND, EPOCHS, METRIC, definition, rules

ENDLESS = 1000  # trials, or Hyperband's iterations: the budget of time ends the search


@dataclass(frozen=True)
class Search:
    """What a search gets: its task, a folder of its own, and the trace to write."""

    variant: str
    seed: int
    trials: int
    workload: Workload
    folder: Path
    trace: Trace


def random_search(search: Search) -> None:
    """KerasTuner's RandomSearch, of all its trials."""
    _keras_tuner(search, keras_tuner.RandomSearch, max_trials=search.trials)


def bayesian(search: Search) -> None:
    """KerasTuner's BayesianOptimization."""
    _keras_tuner(search, keras_tuner.BayesianOptimization, max_trials=ENDLESS)


def hyperband(search: Search) -> None:
    """KerasTuner's Hyperband."""
    _keras_tuner(search, keras_tuner.Hyperband, max_epochs=EPOCHS, hyperband_iterations=ENDLESS)


def _keras_tuner(search: Search, tuner: Callable[..., Any], **options: Any) -> None:
    examples = search.workload.examples(None)
    tuner(
        search.workload.hypermodel,
        objective=METRIC,
        seed=search.seed,
        directory=search.folder,
        **options,
    ).search(
        x=examples.train,
        validation_data=examples.validation,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[*rules(), Witness(search.trace, examples.train)],
    )


class _Pruning(keras.callbacks.Callback):  # type: ignore[misc]
    """Optuna's way with Keras, as its documentation has it."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self._trial = trial

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._trial.report(float((logs or {})[METRIC]), epoch)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def optuna_defaults(search: Search) -> None:
    """A plain script with Optuna's default sampler and pruner."""
    examples = search.workload.examples(None)
    witness = Witness(search.trace, examples.train)

    def objective(trial: optuna.Trial) -> float:
        keras.utils.clear_session()
        hp = plain_hyperparameters(_suggested(trial, ARGUMENTS[search.variant]))
        history = search.workload.hypermodel.build(hp).fit(
            examples.train,
            validation_data=examples.validation,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            callbacks=[*rules(), witness, _Pruning(trial)],
        )
        return float(min(history.history[METRIC]))

    sampler = optuna.samplers.TPESampler(seed=search.seed)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.MedianPruner())
    study.optimize(objective, n_trials=ENDLESS)


def _suggested(trial: optuna.Trial, arguments: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "filters": trial.suggest_categorical("filters", [4, 8, 16]),
        "pools": trial.suggest_int("pools", 1, 3),
        "activation": trial.suggest_categorical("activation", arguments["activation"]),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    }
    if isinstance(arguments["head"], list):
        values["head"] = trial.suggest_categorical("head", arguments["head"])
    return values


class _InProcess(TrainerProcess):
    """Trains where the worker is, so that one process's CPU seconds are all that a search costs."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self._workload = workload

    def run(self, task: Task, handle: Any, stop_requested: Callable[[], bool]) -> Any:
        if not isinstance(task, TrialTask):
            raise TypeError(f"a worker was to do {task!r}")
        return run_trial(handle, task.job.definition, self._workload, task.job.scratch, task.resume_from)


def studyhall_defaults(search: Search) -> None:
    """Studyhall's worker on a study that names neither sampler nor pruner, with the dry run that
    goes before.
    """
    _studyhall(search, {})


def studyhall_blind(search: Search) -> None:
    """The same where the default configuration, which is tried first, is worth nothing: it is likely the
    worst.
    """
    _studyhall(search, BLIND)


def _studyhall(search: Search, others: Mapping[str, Any]) -> None:
    asked = definition(search.variant, search.seed, 2 * search.trials, search.folder, others)
    workload = replace(search.workload, hypermodel=load_workload(asked).hypermodel)
    run_check(asked, workload)
    study, store = open_study(
        asked.storage.url, asked.storage.artifacts, asked, Patience(60.0, lambda error: None)
    )

    def observe(event: Any) -> None:
        if isinstance(event, EpochDone) and event.number is not None:
            search.trace.epoch(event.number, event.epoch, event.value)

    with Worker(study, _InProcess(workload), store, observe, StopSwitch()) as worker:
        worker.run()
