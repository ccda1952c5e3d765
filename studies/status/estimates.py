"""Estimates of how fast a study goes and how long it will take, each with what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from studyhall.studies.status.finished_trials import FinishedTrial
from studyhall.studies.status.running_trials import RunningTrial
from studyhall.studies.status.summary import Counts

RECENT = 20  # finished trials that an estimate rests on: enough to be steady, few enough to be of today
_HOUR = 3600.0  # s


@dataclass(frozen=True)
class Estimate:
    """A number of seconds, and what it was worked out from, in words for people."""

    seconds: float
    basis: str


@dataclass(frozen=True)
class Throughput:
    """How many trials ended in the last so many seconds."""

    trials: int
    seconds: float

    @property
    def per_hour(self) -> float:
        """Trials in an hour."""
        return self.trials / self.seconds * _HOUR if self.seconds > 0 else 0.0


def throughput(trials: Sequence[FinishedTrial], at: float, since: float | None) -> Throughput | None:
    """Return what ended in the last hour, or since the study began if that is less; None before it began.

    Args:
        trials: Those that have ended.
        at: Now, in seconds since 1970, by the database's clock.
        since: When the study's first trial was taken, likewise.
    """
    if since is None:
        return None
    begun = max(since, at - _HOUR)
    ended = sum(trial.ended is not None and begun <= trial.ended.timestamp() <= at + 1 for trial in trials)
    return Throughput(ended, max(0.0, at - begun))


def time_left(
    trials: Sequence[FinishedTrial],
    running: Sequence[RunningTrial],
    counts: Counts,
    workers: int,
    epochs: int | None = None,
) -> Estimate | None:
    """Estimate how long the workers that live need for the trials that are left; None where nothing says so.

    It is the mean duration of the last trials that ended, times what is left to do, shared among the workers;
    the retraining comes on top.

    Args:
        trials: Those that have ended, in that order.
        running: Those that run.
        counts: Of all trials.
        workers: How many live.
        epochs: How many a trial trains at most, where that is known.
    """
    waiting = counts.waiting - counts.paused  # those may never be trained on
    left = waiting + counts.running
    durations = [seconds for trial in trials[-RECENT:] if (seconds := trial.seconds) is not None]
    if left == 0 or workers == 0 or not durations:
        return None
    mean = fmean(durations)
    shares = [_share_left(each, mean, epochs) for each in running]
    work = waiting + sum(shares) + max(0, counts.running - len(shares))
    hands = min(workers, left)
    seconds = mean * max(work / hands, max(shares, default=0.0))
    return Estimate(
        seconds,
        f"the last {len(durations)} trials took {_short(mean)} each"
        if len(durations) > 1
        else f"the one trial that ended took {_short(mean)}",
    )


def _share_left(trial: RunningTrial, mean: float, epochs: int | None) -> float:
    """Return which part of a running trial is left: by its epochs or, before the first ends, by its time."""
    if epochs and trial.epoch:
        return max(0.0, 1 - trial.epoch / epochs)
    return max(0.0, 1 - trial.seconds / mean) if mean > 0 else 0.0


def _short(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
