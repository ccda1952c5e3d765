"""What went wrong in a user's own files, told in one line and shown without anybody else's frames."""

import traceback
from pathlib import Path

from studyhall.studies.errors import UserCodeError

LONGEST = 300  # characters of another exception's message in a line of ours


class BrokenUserCodeError(UserCodeError):
    """A user's code raised; `details` is its traceback, cut to the user's files, in several lines."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def broken(complaint: str, error: BaseException, folder: Path) -> BrokenUserCodeError:
    """Return the error to raise for `error`: "`complaint`: ValueError: its message (my_model.py, line 3)"."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    parts = [complaint, type(error).__name__, " ".join(message.split())[:LONGEST]]
    where = user_location(error, folder)
    line = ": ".join(part for part in parts if part) + (f" ({where})" if where else "")
    return BrokenUserCodeError(line, user_traceback(error, folder))


def user_traceback(error: BaseException, folder: Path) -> str:
    """Return the traceback of an exception and of its causes, cut to the frames of files in `folder`.

    Frames of installed packages and of Studyhall's own runner are left out even where they lie in that
    folder.
    """
    whole = traceback.TracebackException.from_exception(error)
    return "".join(whole.format() if _cut(whole, folder) else whole.format_exception_only())


def user_location(error: BaseException, folder: Path) -> str:
    """Return the place in the user's files that an exception comes from, as "my_model.py, line 3", or ""."""
    if isinstance(error, SyntaxError) and error.filename and _is_users(error.filename, folder):
        return _place(error.filename, error.lineno, folder)
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename, folder)
    ]
    return _place(frames[-1].filename, frames[-1].lineno, folder) if frames else ""


def _cut(shown: traceback.TracebackException, folder: Path) -> bool:
    """Cut an exception's frames and its causes', and return whether any is left."""
    kept = [frame for frame in shown.stack if _is_users(frame.filename, folder)]
    shown.stack = traceback.StackSummary.from_list(kept)
    causes = [_cut(cause, folder) for cause in (shown.__cause__, shown.__context__) if cause is not None]
    return bool(kept) or any(causes)


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
