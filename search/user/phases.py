"""What a study's code was asked for when it raised: an error says so, whoever shows it later."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Phase(StrEnum):
    """A part of a trial; what cannot be imported is told by `errors.broken`."""

    DATA = "data"
    BUILD = "build"
    FIT = "fit"
    SAVE = "save"


_MARK = "studyhall_phase"


@contextmanager
def during(phase: Phase) -> Iterator[None]:
    """Note on an error that leaves the context in which phase it was raised; that of the innermost counts."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if phase_of(error) is None:
            setattr(error, _MARK, phase)
        raise


def phase_of(error: BaseException) -> Phase | None:
    """Return the phase in which an error was raised; None where nobody noted it."""
    phase: Phase | None = getattr(error, _MARK, None)
    return phase
