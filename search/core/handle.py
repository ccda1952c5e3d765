"""The handle: what training sees of its trial, wherever the study lives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from studyhall.studies.values import Value

if TYPE_CHECKING:  # commands that only show something answer before Optuna would be imported
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Start:
    """Where a trial's hyperparameters come from, before any sampler is asked.

    `values` (KerasTuner's names and values) win over `defaults` (those that the HyperModel's author wrote),
    which win over the sampler. `implied` says that what KerasTuner takes where no default is written counts
    as one: a range's minimum, the first choice, False. Nobody chose those, so a trial draws; what must not be
    random takes them.
    """

    defaults: bool = False
    values: Mapping[str, Value] = field(default_factory=dict)
    implied: bool = False


class TrialHandle(Protocol):
    """One running trial, as the code that builds and trains its model sees it."""

    @property
    def number(self) -> int:
        """The trial's number in its study, from 0."""

    @property
    def seed(self) -> int:
        """The seed of the trial's weights and dropout, from the study's seed and the trial's number."""

    @property
    def start(self) -> Start:
        """What was asked of this trial when it was queued."""

    def suggest(self, name: str, distribution: "BaseDistribution", value: Value | None = None) -> Value:
        """Return the trial's value for a parameter, and store it.

        A value that the trial holds already (it is being continued) comes first, then `value` (in the
        distribution's external representation), then the study's sampler.

        Raises:
            RepeatedConfigurationError: The sampler has nothing but a configuration that ran out of memory
                before.
        """

    def report(self, step: int, value: float, *others: float) -> bool:
        """Record an intermediate value of the objective, and tell people those of further objectives.

        True asks the caller to prune the trial.
        """

    def record(self, facts: Mapping[str, Any]) -> None:
        """Record facts about the trial, by name and JSON-serialisable, for people and for the manifest."""

    def attach(self, filename: str, content: bytes) -> None:
        """Show people a small file with the trial, in place of the one of that name.

        It may fail without a word.
        """

    def progress(self, epoch: int, step: int, steps: int) -> None:
        """Tell whoever watches that `step` of `steps` of an epoch (from 0) is done."""

    def checkpoint(self, epochs: int, path: Path) -> None:
        """Keep a checkpoint of `epochs` finished epochs, so that another worker can continue from there."""

    def keeps(self, value: float) -> bool:
        """Ask whether the trial's model is kept if the trial ends with this value.

        Saving it takes longer than asking.
        """

    def begin_epoch(self, epoch: int) -> bool:
        """Ask to train an epoch (from 1).

        False says that the study is over, or that the trial pauses, and it goes back to the queue as it is.
        """

    def stop_requested(self) -> bool:
        """Whether the trial should stop at the end of this batch and go back to the queue."""
