"""A search as its pictures see it: the trials that have ended, by how, and the objective that ranks them."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.wording import count, short
from studyhall.studies.storage.best_so_far import result_of


@dataclass(frozen=True)
class Search:
    """The ended trials of a study, in the order of their numbers.

    A trial is complete here if it has a finite value; `failed` holds those that ended without one.
    """

    name: str
    metric: str
    direction: str  # "minimize" or "maximize"
    complete: tuple[FrozenTrial, ...]
    pruned: tuple[FrozenTrial, ...]
    failed: tuple[FrozenTrial, ...]
    open: int  # trials that wait or run

    @classmethod
    def of(cls, study: optuna.Study, metric: str, direction: str) -> Self:
        """Read the trials of a study."""
        complete, pruned, failed, open_trials = [], [], [], 0
        for trial in study.get_trials(deepcopy=False):
            if trial.state == TrialState.COMPLETE and _is_finite(trial):
                complete.append(trial)
            elif trial.state == TrialState.PRUNED:
                pruned.append(trial)
            elif trial.state.is_finished():
                failed.append(trial)
            else:
                open_trials += 1
        return cls(
            study.study_name, metric, direction, tuple(complete), tuple(pruned), tuple(failed), open_trials
        )

    @cached_property
    def best(self) -> FrozenTrial | None:
        """The best complete trial, the earliest of equals; None before the first one."""
        sign = 1 if self.direction == "minimize" else -1
        return min(self.complete, key=lambda trial: (sign * trial.values[0], trial.number), default=None)

    @property
    def values(self) -> list[float]:
        """The values of the complete trials."""
        return [trial.values[0] for trial in self.complete]

    @property
    def goal(self) -> str:
        """The metric's name with the better side, to write at an axis."""
        return f"{short(self.metric, 40)} ({'lower' if self.direction == 'minimize' else 'higher'} is better)"

    @property
    def summary(self) -> str:
        """The study and how its trials ended, in a line."""
        parts = [f"{len(self.complete):,} complete"]
        for trials, word in ((self.pruned, "pruned"), (self.failed, "failed")):
            parts += [f"{len(trials):,} {word}"] if trials else []
        parts += [f"{self.open:,} running or waiting"] if self.open else []
        total = len(self.complete) + len(self.pruned) + len(self.failed) + self.open
        return f"{short(self.name, 60)}: {count(total, 'trial')}, {', '.join(parts)}"

    def require_complete(self, least: int = 1) -> None:
        """Raise NothingToDrawError with the reason unless so many trials are complete."""
        held = len(self.complete)
        if held < least:
            needed = count(least, "complete trial")
            raise NothingToDrawError(f"it needs {needed}, and the study has {held if held else 'none'}")


def reached(search: Search, trial: FrozenTrial) -> float | None:
    """Return the best value that a pruned trial had reached; None if it reported none."""
    return result_of(trial, StudyDirection[search.direction.upper()])


def _is_finite(trial: FrozenTrial) -> bool:
    return bool(trial.values) and math.isfinite(trial.values[0])
