"""What went wrong in a user's own files, told in one line; the whole traceback is kept beside it."""

import re
import traceback
from pathlib import Path

from studyhall.search.user.keras_words import in_short
from studyhall.studies.errors import WORK_FAILED, StorageError, StudyhallError, UserCodeError

_LONGEST_TRACEBACK = 16_000  # characters; it is recorded on a trial
_IN_MESSAGE = re.compile(r'File "([^"]+)", line (\d+)')


def broken(complaint: str, error: BaseException, folder: Path) -> UserCodeError:
    """Return the error to raise for `error`: "`complaint`: ValueError: its message (my_model.py, line 3)"."""
    kind = "" if isinstance(error, SystemExit) else type(error).__name__
    parts = [complaint, kind, in_short(error)]
    where = user_location(error, folder)
    line = ": ".join(part for part in parts if part) + (f" ({where})" if where else "")
    refusal = UserCodeError(line)
    refusal.details = whole_traceback(error)
    return refusal


def located(error: StudyhallError, folder: Path) -> StudyhallError:
    """Return an error that a user's code met in a function of ours, with the place where that was called.

    What no code is to blame for, such as a full artifact store, is left as it is.
    """
    if error.exit_status == WORK_FAILED or isinstance(error, StorageError):
        return error
    where = user_location(error, folder)
    if where and where not in f"{error}":
        error.args = (f"{error} ({where})",)
        error.details = whole_traceback(error)
    return error


def whole_traceback(error: BaseException) -> str:
    """Return the traceback of an exception and of its causes, with everybody's frames.

    Of one that is too long to be kept the middle is left out.
    """
    text = "".join(traceback.format_exception(error))
    if len(text) <= _LONGEST_TRACEBACK:
        return text
    half = _LONGEST_TRACEBACK // 2
    return f"{text[:half]}\n...\n{text[-half:]}"


def user_location(error: BaseException, folder: Path) -> str:
    """Return the place in the user's files that an exception comes from, as "my_model.py, line 3", or "".

    It is the last one of the traceback, or of the stack in a message of TensorFlow's, whose graph is run
    elsewhere.
    """
    if isinstance(error, SyntaxError) and error.filename and _is_users(error.filename, folder):
        return _place(error.filename, error.lineno, folder)
    told = [each for each in _IN_MESSAGE.findall(f"{error}") if _is_users(each[0], folder)]
    if told:
        return _place(told[-1][0], int(told[-1][1]), folder)
    frames = user_frames(error, folder)
    return _place(frames[-1].filename, frames[-1].lineno, folder) if frames else ""


def user_frames(error: BaseException, folder: Path) -> list[traceback.FrameSummary]:
    """Return the frames of an exception's traceback that are of files in `folder`, the innermost last.

    Frames of installed packages and of Studyhall's own runner are left out even where they lie in that
    folder.
    """
    every = traceback.extract_tb(error.__traceback__)
    return [frame for frame in every if _is_users(frame.filename, folder)]


def _place(filename: str, line: int | None, folder: Path) -> str:
    return f"{Path(filename).resolve().relative_to(folder.resolve())}, line {line}"


def _is_users(filename: str, folder: Path) -> bool:
    path = Path(filename).resolve()
    return (
        path.is_relative_to(folder.resolve())
        and path.is_file()  # "<frozen importlib._bootstrap>" is none
        and not path.is_relative_to(Path(__file__).resolve().parents[1])
        and not {"site-packages", "dist-packages"} & set(path.parts)
    )
