"""The trial that a Tuner's process has claimed."""

from pathlib import Path

import keras
from optuna.trial import Trial

from studyhall.search.core.outcome import Dropped, Failed, HandedBack, Paused, TrialOutcome
from studyhall.search.training.account import Account
from studyhall.search.training.result import Result
from studyhall.search.tuner.callbacks import BestWeights
from studyhall.search.workers.claims import HeldTrial
from studyhall.search.workers.study_handle import StudyHandle


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
