"""Found first on its path by every Python process: has it write down which test runs which line of ours.

`STUDYHALL_LINES` names the file to write to, which lies at the root of the sources: a test, a module and a
line in each of its rows, separated by tabs. What runs when a module is imported belongs to no test, as one
that is run alone would import it too.
"""

import inspect
import os
import sys
import threading
from types import FrameType
from typing import Any


def _record(path: str) -> None:
    rows = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    seen = set()
    root = os.path.dirname(path) + os.sep
    ours = tuple(root + part + os.sep for part in ("search", "studies", "models", "data"))

    def write(frame: FrameType) -> None:
        imported = not frame.f_code.co_flags & inspect.CO_OPTIMIZED
        # pytest tells it to the processes that a test starts, too: a test's id, and a phase in brackets.
        test = "" if imported else os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
        row = f"{test}\t{frame.f_code.co_filename.removeprefix(root)}\t{frame.f_lineno}\n"
        if row not in seen:
            seen.add(row)
            os.write(rows, row.encode())

    def lines(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            write(frame)
        return lines

    def calls(frame: FrameType, _: str, __: Any) -> Any:
        return lines if frame.f_code.co_filename.startswith(ours) else None

    threading.settrace(calls)
    sys.settrace(calls)


if path := os.environ.get("STUDYHALL_LINES"):
    _record(path)
