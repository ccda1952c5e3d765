"""The trial that a Tuner's process has claimed."""

from pathlib import Path

import keras
from optuna.trial import Trial

from studyhall.search.training.account import Account
from studyhall.search.training.result import Result
from studyhall.search.tuner.callbacks import BestWeights
from studyhall.search.workers.budget import EpochGate
from studyhall.search.workers.lease_keeper import LeaseKeeper
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.study.study import Study


class InHand:
    """The trial that this process has claimed, with all that is needed to see it to its end.

    `account` and `best_weights` are of what is being trained; `result` and `failure` are set when it ends.
    """

    def __init__(
        self,
        study: Study,
        claimed: Trial,
        store: ArtifactStore,
        scratch: Path,
        gate: EpochGate,
        lease_seconds: float,
    ) -> None:
        self.claimed = claimed
        self.scratch = scratch
        self.handle = StudyHandle(study, claimed, store, _ignore, lambda: self.keeper.lost, gate)
        self.keeper = LeaseKeeper(lambda: study.renew(self.handle.lease, epoch=self.epoch), lease_seconds)
        self.result: Result | None = None
        self.weights: Path | None = None
        self.failure: tuple[FailureKind, str] | None = None
        self.account: Account | None = None
        self.best_weights: BestWeights | None = None
        self.callbacks: list[keras.callbacks.Callback] = []  # ours, of the execution in hand

    @property
    def epoch(self) -> int:
        """How many epochs of the execution in hand are finished, for whoever watches."""
        return 0 if self.account is None else self.account.finished


def _ignore(event: object) -> None:
    """Show nothing: KerasTuner's display and Keras's progress bar do."""
