"""A worker: claims trials of a study one by one and sees each of them to its end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from optuna.samplers import BaseSampler
from optuna.trial import Trial

from studyhall.search.channel import Job, TrialTask
from studyhall.search.events import Best, Observer, TrialEnded, TrialStarted
from studyhall.search.outcome import Completed, Failed, FailureKind, HandedBack, Pruned, TrialOutcome
from studyhall.search.study_handle import StudyHandle
from studyhall.search.trainer_process import TrainerCrashedError, TrainerProcess, scratch_folder
from studyhall.studies.algorithms import make_pruner, sampler_for_trial
from studyhall.studies.errors import UserCodeError
from studyhall.studies.kept_models import KeptModels
from studyhall.studies.results import best_trial
from studyhall.studies.study import Study

FAILURES_IN_A_ROW = (
    3  # of a kind that is not the trial's fault; then the worker stops instead of burning the queue
)
NOT_THE_TRIALS_FAULT = frozenset({FailureKind.ERROR, FailureKind.CRASHED})


class StopSwitch:
    """Remembers that the worker was told to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def set(self) -> None:
        """Tell the worker to stop after the current batch."""
        self._stop.set()

    def __call__(self) -> bool:
        return self._stop.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until told to stop, or until the seconds are over; say which."""
        return self._stop.wait(seconds)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Turn the first SIGINT or SIGTERM into a stop request; the second ends the process as if unhandled."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, frame: FrameType | None) -> None:
            self.set()
            for each in before:
                signal.signal(each, signal.SIG_DFL)

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Worker:
    """Works through a study's queue with one training process.

    Args:
        study: the study whose trials are claimed.
        trainer: the training process; the caller closes it.
        models: where the best trials' weights are kept.
        observe: hears of everything that happens.
        stop: says when to stop; the trial in hand then goes back to the queue.
    """

    def __init__(
        self,
        study: Study,
        trainer: TrainerProcess,
        models: KeptModels,
        observe: Observer,
        stop: StopSwitch,
    ) -> None:
        self._study = study
        self._trainer = trainer
        self._models = models
        self._observe = observe
        self._stop = stop
        self._failures_in_a_row = 0

    def run(self) -> None:
        """Train until the queue is empty or the worker is told to stop.

        Raises:
            UserCodeError: the study cannot go on with this code; the trial in hand is back in the queue.
        """
        while not self._stop():
            trial = self._study.claim(self._sampler, make_pruner(self._study.definition.pruner))
            if trial is None:
                return
            self._work_on(trial)

    def _sampler(self, number: int) -> BaseSampler:
        definition = self._study.definition
        return sampler_for_trial(definition.sampler, definition.search.seed, number)

    def _work_on(self, trial: Trial) -> None:
        self._observe(TrialStarted(trial.number, self._study.definition.training.epochs))
        try:
            with scratch_folder() as scratch:
                outcome = self._train(trial, scratch)
                self._settle(trial, outcome)
        except BaseException:
            self._study.hand_back(trial._trial_id)
            raise
        self._observe(TrialEnded(trial.number, outcome, best_of(self._study), self._study.counts()))
        self._give_up_after_failures(outcome)

    def _train(self, trial: Trial, scratch: Path) -> TrialOutcome:
        handle = StudyHandle(self._study, trial, self._observe, self._stop)
        job = Job(self._study.definition, scratch)
        task = TrialTask(job, trial.number, handle.seed, handle.start)
        try:
            outcome: TrialOutcome = self._trainer.run(task, handle, self._stop)
        except TrainerCrashedError as crash:
            return Failed(FailureKind.CRASHED, f"{crash}: {crash.last_line}", crash.output)
        return outcome

    def _settle(self, trial: Trial, outcome: TrialOutcome) -> None:
        match outcome:
            case Completed(value, _, model):
                self._models.keep(trial.number, value, model)
                self._study.complete(trial, value)
            case Pruned():
                self._study.prune(trial)
            case Failed(kind, reason):
                self._study.fail(trial, kind.value, reason)
            case HandedBack():
                self._study.hand_back(trial._trial_id)

    def _give_up_after_failures(self, outcome: TrialOutcome) -> None:
        if not (isinstance(outcome, Failed) and outcome.kind in NOT_THE_TRIALS_FAULT):
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if self._failures_in_a_row == FAILURES_IN_A_ROW:
            error = UserCodeError(
                f"{FAILURES_IN_A_ROW} trials in a row failed, the last one with: {outcome.reason}; "
                "mend it and start again: the queue is kept"
            )
            error.add_note(outcome.details)
            raise error


def best_of(study: Study) -> Best | None:
    """The best completed trial of a study, or None before the first one."""
    trial = best_trial(study)
    if trial is None or trial.value is None:
        return None
    return Best(trial.number, trial.value, trial.user_attrs.get("hyperparameters", {}))
