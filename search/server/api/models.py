"""What the API answers, with units."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Phase = Literal["empty", "idle", "running", "stopping", "finished", "published"]
State = Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"]
Number = Annotated[float | None, Field(description="null where it is not a finite number.")]
Hyperparameters = Annotated[
    dict[str, Any],
    Field(description="By name, with the real values.", examples=[{"filters": 32, "rate": 1e-3}]),
]

PrunedAfter = Annotated[
    int | None,
    Field(
        description="The epoch after which the pruner ended it; null where it trained to its end. Such a trial is complete where no "
        "complete trial was as good, else pruned."
    ),
]


class Model(BaseModel):
    """An object of the API."""

    model_config = ConfigDict(frozen=True)


class Problem(Model):
    """Why there is no answer, and what to do about it."""

    detail: str = Field(
        description="One line for people.",
        examples=["No study 'bss' in sqlite:////shared/studies.db. It holds: quickstart."],
    )


class TrialCounts(Model):
    """How many trials are in each state."""

    waiting: int
    running: int
    complete: int
    pruned: int
    failed: int
    paused: int = Field(description="Of those that wait, those that the study's scheduler has paused.")
    total: int = Field(description="The budget of the study, in trials.")


class BestTrial(Model):
    """The best complete trial by the first objective; the earliest of equals."""

    number: int = Field(description="The trial's number in its study, from 0.")
    value: Number
    hyperparameters: Hyperparameters
    pruned_after: PrunedAfter


class Rung(Model):
    """Epochs after which trials pause, and those that have reached them; failed ones are not counted."""

    epochs: int
    reached: int
    paused: int = Field(description="Those that wait there until they may go on.")


class FrontMember(Model):
    """A trial that no other one is better than in one objective and as good in all."""

    number: int
    values: list[Number] = Field(description="One for each objective, in their order.")
    hyperparameters: Hyperparameters


class StudySummary(Model):
    """A study in a few numbers."""

    name: str = Field(examples=["quickstart"])
    phase: Phase = Field(
        description="'running' has workers, 'idle' has trials left and no worker, 'stopping' has workers that are asked "
        "to leave, 'finished' has no trials left, 'published' has its bundle besides, 'empty' never had a trial."
    )
    metric: str | None = Field(description="The first objective.", examples=["val_loss"])
    direction: Literal["minimize", "maximize"]
    counts: TrialCounts
    best: BestTrial | None
    failures: dict[str, int] = Field(
        description="Failed trials by the kind of their failure.", examples=[{"oom": 2, "nan": 1}]
    )
    created: datetime | None = Field(description="In UTC; null for studies that other programs made.")
    active: datetime | None = Field(description="When a trial last started or ended, in UTC.")
    published: bool = Field(description="Whether it has a bundle.")
    url: str = Field(description="Its page on this server.", examples=["/studies/quickstart"])


class Overview(Model):
    """Every study that this server shows."""

    storage: str = Field(description="The database, without its password.", examples=["sqlite:///studies.db"])
    studies: list[StudySummary]


class Worker(Model):
    """A worker that gave a sign of life within the length of a lease."""

    worker: str = Field(description="Its name, which no other has.")
    host: str
    pid: int
    device: str = Field(examples=["gpu:0 NVIDIA H200"])
    running_seconds: float = Field(description="Since it began, in seconds.")
    silent_seconds: float = Field(description="Since its last sign of life, in seconds.")
    trial: int | None = Field(description="The number of the trial that it holds.")
    epoch: int | None = Field(description="The epoch that it last finished.")
    images_per_second: float | None


class Workers(Model):
    """The workers of a study that are alive."""

    study: str
    workers: list[Worker]


class Running(Model):
    """A trial that is being trained."""

    number: int
    seconds: float = Field(description="Since a worker last took it, in seconds.")
    worker: str | None
    device: str | None
    silent_seconds: float | None = Field(description="Since its worker last renewed its lease, in seconds.")
    interruptions: int = Field(description="How often it has lost its worker.")
    epoch: int = Field(description="Epochs that it has reported.")
    epochs: int | None = Field(description="Epochs that it trains at most, where its definition says so.")
    value: Number = Field(description="The value that it reported last.")
    best_value: Number = Field(description="The best value that it reported.")
    images_per_second: float | None
    hyperparameters: Hyperparameters


class Throughput(Model):
    """How many trials ended lately."""

    trials: int = Field(description="Trials that ended within `seconds`.")
    seconds: float = Field(description="An hour, or the time since the first trial began if that is less.")
    per_hour: float = Field(description="Trials per hour.")


class TimeLeft(Model):
    """An estimate of how long the trials will still take, without the retraining."""

    seconds: float
    basis: str = Field(description="What it rests on.", examples=["the last 20 trials took 34 s each"])


class StudyReport(StudySummary):
    """How a study stands."""

    id: int = Field(description="Its number in the storage, which optuna-dashboard's addresses have.")
    description: str
    at: datetime = Field(description="The moment of the report, by the database's clock, in UTC.")
    seconds: float = Field(
        description="Since its first trial began, in seconds; up to its last activity where nobody works on it."
    )
    epochs: int = Field(description="Epochs that its trials have trained, together.")
    trial_seconds: float = Field(description="Duration of the trials that have ended, together, in seconds.")
    throughput: Throughput | None
    time_left: TimeLeft | None = Field(description="null where nothing says how long it will take.")
    expired: int = Field(description="Running trials whose worker is gone; the next worker takes them back.")
    stopping: bool = Field(description="Whether workers are asked to leave.")
    workers: list[Worker]
    running: list[Running]
    rungs: list[Rung] = Field(description="Those that trials have reached; empty where they do not pause.")
    front: list[FrontMember] = Field(
        description="The trials of the Pareto front; empty where there is one objective."
    )
    definition: dict[str, Any] | None = Field(
        description="What the study was created from, with every default."
    )


class Trial(Model):
    """A trial, in a list."""

    number: int
    state: State
    values: list[Number] = Field(
        description="One for each objective; of a pruned trial, the best that it reached."
    )
    started: datetime | None = Field(description="When a worker last took it, in UTC.")
    ended: datetime | None = Field(description="In UTC.")
    epochs: int = Field(description="Epochs that it has reported.")
    seconds: float | None = Field(description="Duration of its training, in seconds.")
    device: str | None
    parameters: int | None = Field(description="How many numbers its network holds.")
    hyperparameters: Hyperparameters
    failure: str | None = Field(description="The kind of its failure.", examples=["oom"])
    reason: str | None = Field(description="Why it failed, in a line.")
    pruned_after: PrunedAfter


class Trials(Model):
    """A page of trials."""

    study: str
    total: int = Field(description="How many trials there are in these states, on all pages.")
    offset: int
    limit: int
    trials: list[Trial]


class BundleFile(Model):
    """A file of a bundle."""

    name: str = Field(examples=["model.keras"])
    size: int = Field(description="In bytes.")
    sha256: str = Field(description="64 hexadecimal digits; the file's ETag, too.")
    url: str = Field(
        description="Where it is on this server.", examples=["/studies/quickstart/best/model.keras"]
    )


class Best(Model):
    """A study's published bundle. It has `manifest.json` besides, at the same place as its files."""

    study: str
    manifest: dict[str, Any] = Field(description="The content of `manifest.json`.")
    files: list[BundleFile]
