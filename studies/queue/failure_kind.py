"""Why a trial failed: the words that are recorded on it, and that failures are counted by."""

from enum import StrEnum


class FailureKind(StrEnum):
    """Why a trial failed; recorded on the trial as `failure` and counted in `status`."""

    NAN = "nan"  # the objective or the loss stopped being a finite number
    INVALID = "invalid"  # the HyperModel refused the configuration
    OOM = "oom"  # the device or the machine ran out of memory
    STALLED = "stalled"  # no batch for longer than the limit; the training process was killed
    ERROR = "error"  # the user's code raised
    CRASHED = "crashed"  # the training process died of a signal
    LOST = "lost"  # its workers vanished again and again
    WITHDRAWN = "withdrawn"  # it is no failure: it was taken out of the queue, and could not be deleted


UNKNOWN = "unknown"
"""The kind under which failures without a recorded kind are counted; it is recorded on no trial."""
