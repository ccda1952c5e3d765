"""Errors of a script, shown with its own lines alone: what is between them is Studyhall's or Keras's."""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, TypeVar

import keras
import keras_tuner

from studyhall.search.core.tracebacks import tracebacks_asked_for
from studyhall.studies.errors import StudyhallError

_P = ParamSpec("_P")
_R = TypeVar("_R")
_INSIDES = [f"{Path(each).resolve().parent}/" for each in (keras.__file__, keras_tuner.__file__)]
_INSIDES += [f"{Path(__file__).resolve().parents[1]}/"]


def with_short_traceback(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Have an error that leaves a function bring the script's own lines, and only one traceback.

    Whoever sets STUDYHALL_TRACEBACK to 1 gets all of it.
    """

    @functools.wraps(function)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if tracebacks_asked_for():
                error.add_note(getattr(error, "details", ""))
                raise
            trace = _of_the_script(error.__traceback__)
            if isinstance(error, StudyhallError | keras_tuner.errors.FatalError):
                raise error.with_traceback(trace) from None
            error.__traceback__ = trace
            raise

    return called


def _of_the_script(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of Studyhall, KerasTuner and Keras."""
    kept: TracebackType | None = None
    for frame, line in reversed(list(traceback.walk_tb(trace))):
        file = f"{Path(frame.f_code.co_filename).resolve()}"
        if not any(file.startswith(each) for each in _INSIDES):
            kept = TracebackType(kept, frame, frame.f_lasti, line)
    return kept
