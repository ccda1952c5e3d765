"""A trial's handle where the study is at hand: in the worker, and for training in one process."""

from collections.abc import Callable
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import Trial

from studyhall.search.events import BatchDone, EpochDone, Observer
from studyhall.search.handle import Start, Value
from studyhall.studies.seeds import trial_seed
from studyhall.studies.study import Study
from studyhall.studies.trial import start_of, suggest_value


class StudyHandle:
    """One claimed trial of a study."""

    def __init__(
        self, study: Study, trial: Trial, observer: Observer, stop_requested: Callable[[], bool]
    ) -> None:
        self._trial = trial
        self._observe = observer
        self._stop_requested = stop_requested
        self.number: int = trial.number
        self.seed = trial_seed(study.definition.search.seed, trial.number)
        asked = start_of(trial)
        self.start = Start(bool(asked.get("defaults", False)), asked.get("values", {}))

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        """Ask the study for a parameter's value."""
        return suggest_value(self._trial, name, distribution, value)

    def report(self, step: int, value: float) -> bool:
        """Record an epoch's value, and ask the study's pruner."""
        self._trial.report(value, step)
        self._observe(EpochDone(self.number, step, value))
        return self._trial.should_prune()

    def record(self, key: str, value: Any) -> None:
        """Record a fact as the trial's user attribute."""
        self._trial.set_user_attr(key, value)

    def progress(self, epoch: int, step: int, steps: int) -> None:
        """Show how far an epoch is."""
        self._observe(BatchDone(self.number, epoch, step, steps))

    def stop_requested(self) -> bool:
        """Whether the worker was told to stop."""
        return self._stop_requested()
