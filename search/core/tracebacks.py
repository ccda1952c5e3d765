"""Whether whole tracebacks are shown: asked for by --traceback; processes that are started are told, too."""

import os

VARIABLE = "STUDYHALL_TRACEBACK"


def ask_for_tracebacks() -> None:
    """Show whole tracebacks in this process and in those that it starts."""
    os.environ[VARIABLE] = "1"


def tracebacks_asked_for() -> bool:
    """Whether whole tracebacks are shown."""
    return os.environ.get(VARIABLE) == "1"
