"""The events of a search in words."""

from collections.abc import Mapping

from studyhall.search.core.events import (
    BatchDone,
    Checking,
    DatabaseAway,
    EpochDone,
    Evaluating,
    Event,
    Lowered,
    MachineUnfit,
    NameMade,
    OtherVersions,
    Published,
    RetrainingStarted,
    StudyOpened,
    StudyProgress,
    TrialEnded,
    TrialStarted,
    Waiting,
    WaitingToPublish,
    WarmStart,
    WorkerFailed,
)
from studyhall.search.core.machine import without_again
from studyhall.search.core.outcome import (
    Completed,
    DrawsAgain,
    Dropped,
    Failed,
    HandedBack,
    Interrupted,
    Paused,
    Pruned,
    TrialOutcome,
)
from studyhall.studies.queue.withdrawal import Exhausted
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.status.summary import BestTrial, Counts
from studyhall.studies.values import Value

STATES = ("complete", "pruned", "failed", "running", "waiting")
"""How trials stand, in the words and in the order that people read everywhere."""


def in_words(event: Event, *, tracebacks: bool = False) -> str | None:
    """Return an event as one line of text, or None for one that logs do not show.

    With `tracebacks`, a trial that failed brings the whole of its own.
    """
    match event:
        case Checking():
            return "checking the study: building its default model and training two batches"
        case WarmStart(configurations, misfits):
            left_out = f"; {misfits} more do not fit this HyperModel" if misfits else ""
            return f"beginning with {configurations} configurations of earlier studies{left_out}"
        case StudyOpened(name, storage, created, counts):
            return (
                f"study {name} in {storage} {'created' if created else 'opened'}: {counts_in_words(counts)}"
            )
        case NameMade(asked, name):
            return f"the study is called {name}: {asked!r} has characters, or a length, that no study's name can have"
        case Lowered(trials, withdrawn):
            waited = "1 waiting trial is" if withdrawn == 1 else f"{withdrawn} waiting trials are"
            return f"search.trials is {trials} now: {waited} withdrawn"
        case OtherVersions(remark):
            return remark
        case TrialStarted(number, epochs, done):
            continued = f", continued after epoch {done}" if done else ""
            return f"trial {number}: training for up to {epochs} epochs{continued}"
        case EpochDone(number, epoch, value, others):
            return f"{_what(number)}: epoch {epoch}: {objectives_in_words(value, *others)}"
        case TrialEnded(number, outcome, best, counts):
            line = f"trial {number}: {outcome_in_words(outcome)} | {best_in_words(best, number)} | {counts_in_words(counts)}"
            details = outcome.details if tracebacks and isinstance(outcome, Failed) else ""
            return "\n  ".join([line, *details.rstrip().splitlines()])
        case StudyProgress(counts, best):
            return f"{counts_in_words(counts)} | {best_in_words(best)}"
        case WorkerFailed(name, status, output):
            return "\n  ".join([f"{name} failed with status {status}; its last lines:", *output.splitlines()])
        case Waiting(running):
            return waiting_for(running)
        case MachineUnfit(reason):
            return f"waiting, for no trial can be trained here: {without_again(reason)}"
        case DatabaseAway(error):
            return f"waiting for the database: {error}"
        case WaitingToPublish(holder):
            return f"waiting for {holder}, which is publishing the best model"
        case RetrainingStarted(number, epochs):
            return f"retraining trial {number} for {epochs} epochs"
        case Evaluating():
            return "evaluating on the test split"
        case Published(source, why, _, score):
            scored = f", test error {score[0]:.3e} +- {score[1]:.1e}" if score is not None else ""
            return f"published the {'retrained model' if source == 'retrained' else 'model of the trial'}: {why}{scored}"
        case BatchDone():
            return None


def waiting_for(running: int) -> str:
    """Say which trials a worker waits for that finds none to take."""
    return (
        "waiting for 1 trial of another worker"
        if running == 1
        else f"waiting for {running} trials of other workers"
    )


def _what(number: int | None) -> str:
    return "retraining" if number is None else f"trial {number}"


def objectives_in_words(*values: float) -> str:
    """Return the values of a study's objectives, in their order."""
    return ", ".join(f"{value:.6g}" for value in values)


def outcome_in_words(outcome: TrialOutcome) -> str:
    """Say how a trial ended."""
    match outcome:
        case Completed(value, best_epoch, _, others):
            reached = f"complete with {objectives_in_words(value, *others)}"
            return reached if best_epoch is None else f"{reached} at epoch {best_epoch}"
        case Pruned(epoch, value, best_epoch, complete=True):
            return f"complete with {value:.6g} at epoch {best_epoch}, ended by the pruner after epoch {epoch}"
        case Pruned(epoch, value, best_epoch):
            return f"pruned after epoch {epoch}, with {value:.6g} at epoch {best_epoch}"
        case Failed(kind, reason):
            return f"failed ({kind.value}): {reason}"
        case HandedBack(epochs):
            return f"handed back to the queue after {epochs} epochs"
        case Paused(epoch):
            return f"paused after {epoch} epoch{'s' if epoch > 1 else ''}"
        case DrawsAgain(reason):
            return f"back in the queue, for other hyperparameters: {reason}"
        case Interrupted(reason):
            return f"interrupted, and back in the queue: {reason}"
        case Dropped():
            return "dropped: another worker has it now"


def best_in_words(best: BestTrial | None, news_of: int | None = None) -> str:
    """Say which trial is the best so far, and with which hyperparameters; those only if they are news.

    `news_of` is the trial that has just ended: where another one is still the best, its value is enough.
    """
    if best is None:
        return "no best value yet"
    if news_of is not None and best.number != news_of:
        return f"best is still {best.value:.6g} (trial {best.number})"
    return f"best {best.value:.6g} (trial {best.number}: {values_in_words(best.hyperparameters)})"


def exhausted_in_words(exhausted: Exhausted, setting: str = "search.repeat = true") -> str:
    """Say that a search space has an end, and what became of the trials that were asked for beyond it.

    Args:
        exhausted: What was found.
        setting: What to set to try configurations again.
    """
    number, rest = exhausted.configurations, exhausted.withdrawn
    tried = "The only configuration was tried" if number == 1 else f"All {number:,} configurations were tried"
    trials = "1 waiting trial is withdrawn" if rest == 1 else f"{rest:,} waiting trials are withdrawn"
    return f"{tried}; {trials} ({setting} tries them again)"


def worker_in_words(worker: WorkerSeen) -> str:
    """Say where a worker is and what it does."""
    doing = "no trial" if worker.trial is None else f"trial {worker.trial}"
    if worker.trial is not None and worker.epoch is not None:
        doing += f", epoch {worker.epoch}"
    speed = f", {worker.images_per_second:,.0f} images/s" if worker.images_per_second is not None else ""
    return f"{worker.host} {worker.pid}: {doing}{speed}"


def values_in_words(values: Mapping[str, Value]) -> str:
    """Return hyperparameters as `name=value` pairs, numbers in short."""
    return ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in values.items()
    )


def counts_in_words(counts: Counts) -> str:
    """Say how many trials are in which state, leaving out states without any."""
    said = ", ".join(f"{getattr(counts, state)} {state}" for state in STATES if getattr(counts, state))
    return f"{said} ({counts.paused} of them paused)" if counts.paused else said
