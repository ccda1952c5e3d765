"""What happens during a search, as values for whoever shows it."""

from collections.abc import Callable
from dataclasses import dataclass

from studyhall.search.core.outcome import TrialOutcome
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.status.summary import BestTrial, Counts


@dataclass(frozen=True)
class StudyOpened:
    """The study is there: `created` now, or joined; `counts` are its trials by state."""

    name: str
    storage: str
    created: bool
    counts: Counts


@dataclass(frozen=True)
class Checking:
    """The definition's default model is about to be built and trained for two batches."""


@dataclass(frozen=True)
class WarmStart:
    """`configurations` of earlier studies are tried first; `misfits` cannot be built by this HyperModel."""

    configurations: int
    misfits: int


@dataclass(frozen=True)
class Lowered:
    """The study file asks for fewer trials than before; so many that waited are `withdrawn`."""

    trials: int
    withdrawn: int


@dataclass(frozen=True)
class OtherVersions:
    """Some packages here are not as they were where the study was created; `remark` says which."""

    remark: str


@dataclass(frozen=True)
class TrialStarted:
    """A trial was claimed by this worker.

    `epochs` are the most it can train, `done` those trained elsewhere.
    """

    number: int
    epochs: int
    done: int = 0


@dataclass(frozen=True)
class NameMade:
    """A study cannot be called what its file calls it, `asked`; it has a name that is like it."""

    asked: str
    name: str


@dataclass(frozen=True)
class BatchDone:
    """`step` of `steps` of an epoch (from 0) are done; `number` is None while retraining."""

    number: int | None
    epoch: int
    step: int
    steps: int


@dataclass(frozen=True)
class EpochDone:
    """An epoch (from 1) ended with this value of the objective; `number` is None while retraining.

    `others` are those of all objectives but the first.
    """

    number: int | None
    epoch: int
    value: float
    others: tuple[float, ...] = ()


@dataclass(frozen=True)
class TrialEnded:
    """A trial of this worker ended or went back to the queue."""

    number: int
    outcome: TrialOutcome
    best: BestTrial | None
    counts: Counts


@dataclass(frozen=True)
class StudyProgress:
    """How a study stands that other processes work on; `workers` are all of them, on every machine."""

    counts: Counts
    best: BestTrial | None
    workers: tuple[WorkerSeen, ...] = ()


@dataclass(frozen=True)
class WorkerFailed:
    """A worker process of this machine ended with an error; `output` are the last lines that it printed."""

    name: str
    status: int
    output: str


@dataclass(frozen=True)
class Waiting:
    """The queue is empty, but other workers still train `running` trials."""

    running: int


@dataclass(frozen=True)
class MachineUnfit:
    """This machine can train nothing, for a full disk for example; the worker waits until it can."""

    reason: str


@dataclass(frozen=True)
class DatabaseAway:
    """The database does not answer; the worker waits for it, and training goes on."""

    error: str


@dataclass(frozen=True)
class WaitingToPublish:
    """`holder`, another process, is publishing the study's best model; this one waits for how that ends."""

    holder: str


@dataclass(frozen=True)
class RetrainingStarted:
    """The best trial's configuration is about to be trained for `epochs`."""

    number: int
    epochs: int


@dataclass(frozen=True)
class Evaluating:
    """A model is being scored on the test split."""


@dataclass(frozen=True)
class Published:
    """A bundle is in the artifact store.

    `source` is "retrained" or "trial"; `score` is the joint test error's mean and standard deviation, where
    the data has a test split.
    """

    source: str
    why: str
    value: float
    score: tuple[float, float] | None


Event = (
    StudyOpened
    | NameMade
    | Checking
    | WarmStart
    | Lowered
    | OtherVersions
    | TrialStarted
    | BatchDone
    | EpochDone
    | TrialEnded
    | StudyProgress
    | WorkerFailed
    | Waiting
    | MachineUnfit
    | DatabaseAway
    | WaitingToPublish
    | RetrainingStarted
    | Evaluating
    | Published
)
Observer = Callable[[Event], None]
