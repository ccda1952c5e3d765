"""The trial that a Tuner's process has claimed."""

from pathlib import Path

import keras
import keras_tuner
from keras_tuner.engine.trial import TrialStatus
from optuna.trial import Trial

from studyhall.search.core.outcome import Completed, Dropped, Failed, HandedBack, Paused, Pruned, TrialOutcome
from studyhall.search.training.account import Account
from studyhall.search.training.result import Result
from studyhall.search.tuner.callbacks import BestWeights
from studyhall.search.tuner.trials import PRUNED
from studyhall.search.workers.claims import HeldTrial
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.studies.queue.failure_kind import FailureKind


class InHand:
    """The trial that this process has claimed, with all that is needed to see it to its end.

    Attributes:
        held: Set once it is held.
        account: Of the execution that is being trained; so are `best_weights` and `callbacks`, which are
            ours.
        result: What it came to; None where it failed, or was left.
        weights: The file with the weights that the result is of.
        outcome: How it ended; None while it runs.
        gave_up: Whether the user's code said that it is not to be run again.
    """

    held: HeldTrial

    def __init__(self) -> None:
        self.result: Result | None = None
        self.weights: Path | None = None
        self.outcome: TrialOutcome | None = None
        self.gave_up = False
        self.account: Account | None = None
        self.best_weights: BestWeights | None = None
        self.callbacks: list[keras.callbacks.Callback] = []

    @property
    def is_left(self) -> bool:
        """Whether this process is done with it before it ended: it waits again, or is another process's."""
        left = isinstance(self.outcome, HandedBack | Paused | Dropped)
        return left or (isinstance(self.outcome, Failed) and self.handle.refused is not None)

    def ended(self, trial: keras_tuner.engine.trial.Trial) -> TrialOutcome:
        """Return how it ended, as KerasTuner's trial and what was found of it say."""
        found = self.result
        if trial.status == PRUNED and found is None:  # `run_trial` of the user's own pruned it
            return Pruned(self.epoch, None, None)
        if trial.status == PRUNED and found is not None:
            others = tuple(found.values[1:])
            return Pruned(self.epoch, found.values[0], found.best_epoch, self.weights, others)
        if trial.status == TrialStatus.COMPLETED and found is not None:
            return Completed(found.values[0], found.best_epoch, self.weights, tuple(found.values[1:]))
        return self.outcome or Failed(FailureKind.ERROR, trial.message or "run_trial did not end it")

    @property
    def may_be_retried(self) -> bool:
        """Whether it failed in a way that another run may not."""
        failed = isinstance(self.outcome, Failed) and not self.outcome.blames_study
        return failed and not self.gave_up and not self.is_left

    @property
    def claimed(self) -> Trial:
        """Optuna's trial."""
        return self.held.trial

    @property
    def handle(self) -> StudyHandle:
        """What its training writes to."""
        return self.held.handle

    @property
    def scratch(self) -> Path:
        """A folder of its own, which goes with it."""
        return self.held.scratch

    @property
    def epoch(self) -> int:
        """How many epochs of the execution in hand are finished, for whoever watches."""
        return 0 if self.account is None else self.account.finished
