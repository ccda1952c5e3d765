"""How a piece of training ended, in values that travel between processes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studyhall.studies.bundle.manifest import Loading
from studyhall.studies.queue.failure_kind import FailureKind


@dataclass(frozen=True)
class Completed:
    """A trial that trained to its end.

    `value` is the objective at its best epoch, `best_epoch` counts from 1, `model` is a file that holds that
    epoch's weights (None where the study keeps better ones), `others` are the values of all objectives but
    the first at that epoch. Where `fit` returned another value than an epoch's, `best_epoch` is None, and the
    weights are those that it left.
    """

    value: float
    best_epoch: int | None
    model: Path | None
    others: tuple[float, ...] = ()


@dataclass(frozen=True)
class Pruned:
    """A trial that its study's pruner ended after `epoch` epochs; what it had reached by then is its result.

    `value`, `best_epoch`, `model` and `others` are as of a completed trial. It counts as `complete` where no
    complete trial of the study was as good, which its worker finds out. Where it had reported nothing, it has
    no `value` and no `best_epoch`.
    """

    epoch: int
    value: float | None
    best_epoch: int | None
    model: Path | None = None
    others: tuple[float, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class Failed:
    """A trial that ended without a value; `details` are lines for a log, `reason` is one line for people.

    `blames_study` says that the study itself is at fault, unless another trial shows that it is not.
    """

    kind: FailureKind
    reason: str
    details: str = ""
    blames_study: bool = False


@dataclass(frozen=True)
class HandedBack:
    """A trial that was asked to stop and waits for another worker; `epochs` of it were finished."""

    epochs: int


@dataclass(frozen=True)
class Paused:
    """A trial that the study's scheduler paused after `epoch` epochs; it waits until it may go on."""

    epoch: int


@dataclass(frozen=True)
class DrawsAgain:
    """A trial that would have repeated another one, and waits in the queue for other hyperparameters."""

    reason: str


@dataclass(frozen=True)
class Interrupted:
    """A trial whose training process was killed from outside; it waits for another try."""

    reason: str


@dataclass(frozen=True)
class Dropped:
    """A trial that another worker has by now, because this one was not heard of in time."""


TrialOutcome = Completed | Pruned | Failed | HandedBack | Paused | DrawsAgain | Interrupted | Dropped


@dataclass(frozen=True)
class Retrained:
    """The best configuration, trained for longer.

    `value` is the objective at the best epoch, `model` the file with that epoch's weights; `best_epoch` is
    None, and the weights are those that `fit` left, where it returned another value than an epoch's.
    `history` holds what every epoch reported, its learning rate included.
    """

    value: float
    best_epoch: int | None
    model: Path
    history: dict[str, list[Any]]
    seconds: float
    facts: dict[str, Any]


@dataclass(frozen=True)
class Appraised:
    """What was found of a model before it is published.

    `score` is the protocol's evaluation as JSON values; None where the protocol says nothing of the model.
    `loading` is what loading it needs beyond `keras.models.load_model(path)`, None if nothing.
    """

    score: dict[str, Any] | None
    loading: Loading | None


@dataclass(frozen=True)
class Checked:
    """What a dry run of a definition found: the network's size and the names that training reports.

    `misfits` says of each further configuration why it cannot be built, None if it can.
    """

    parameters: int
    metrics: tuple[str, ...]
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    misfits: tuple[str | None, ...] = ()
