"""How a trial ends that an exception has ended: the same in a worker's training process and in a Tuner."""

import keras_tuner

from studyhall.models.errors import ConfigurationError
from studyhall.search.core.machine import machine_error
from studyhall.search.core.outcome import Failed, HandedBack
from studyhall.search.training.account import NoSingleNumberError, NotFiniteError, UnknownMetricError
from studyhall.search.training.callbacks import StopRequestedError
from studyhall.search.training.saving import UnsavableModelError
from studyhall.search.user.blame import Blame
from studyhall.search.user.errors import located, whole_traceback
from studyhall.search.user.given import Given
from studyhall.studies.errors import (
    DefinitionError,
    RepeatedConfigurationError,
    StudyhallError,
    UserCodeError,
)
from studyhall.studies.one_line import reason
from studyhall.studies.queue.failure_kind import FailureKind

_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Resource exhausted", "OOM when allocating", "out of memory")


def kind_of(error: BaseException) -> FailureKind:
    """Return the kind of failure that an exception of `build` or `fit` is: out of memory, or the code's own.

    What was to end the process counts as a crash.

    TensorFlow raises ResourceExhaustedError, JAX an error that begins with RESOURCE_EXHAUSTED.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return FailureKind.OOM
    if isinstance(error, SystemExit):
        return FailureKind.CRASHED
    if any(sign in str(error) for sign in _OUT_OF_MEMORY):
        return FailureKind.OOM
    return FailureKind.ERROR


def outcome_of(
    error: Exception | SystemExit, blame: Blame, setting: str, given: Given | None = None
) -> Failed | HandedBack:
    """Return how a trial ends whose building, training or saving an exception has ended.

    Args:
        error: What was raised.
        blame: Says whose fault it is.
        setting: What names the objective, for people who have to mend it.
        given: The data, if they were there.

    Raises:
        UserCodeError: The user's code asked for the end of the search.
        MachineError: The machine is at fault.
        StudyhallError: It is no trial's fault; the exception itself.
    """
    match error:
        case StopRequestedError():
            return HandedBack(error.epochs)
        case NotFiniteError():
            return Failed(FailureKind.NAN, str(error))
        case UnknownMetricError():
            # Another name cannot help where a metric is there and is no single number.
            advice = "" if isinstance(error, NoSingleNumberError) else f"; set {setting} to one of them"
            return Failed(FailureKind.INVALID, f"{error}{advice}", blames_study=True)
        case (
            ConfigurationError()
            | DefinitionError()
            | RepeatedConfigurationError()
            | keras_tuner.errors.FailedTrialError()
        ):
            return Failed(FailureKind.INVALID, reason(error))
        case UnsavableModelError():
            return Failed(FailureKind.ERROR, str(error))
        case keras_tuner.errors.FatalError():
            raise UserCodeError(f"{blame.builds} ended the search: {error}") from error
        case StudyhallError():
            raise located(error, blame.folder)
    if (fault := machine_error(error)) is not None:
        raise fault from error
    return Failed(kind_of(error), blame.line(error, given), whole_traceback(error))
