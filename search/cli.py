"""The command line's way in and out: it says what signals do before it imports what takes time."""

import sys
from contextlib import suppress

from studyhall.search.processes.interruption import Interruption
from studyhall.search.processes.signals import status_after
from studyhall.search.processes.stacks import show_stacks_on_sigquit


def main() -> None:
    """Run the command line, and exit with a status of the table in docs/exit-statuses.md."""
    interruption = Interruption()
    try:
        show_stacks_on_sigquit()
        interruption.heed()
        from studyhall.search.commands.group import run

        status = run()
    except BaseException:
        # Whatever a signal came to on its way up: an import that it interrupts may say that it failed.
        if interruption.signal is None:
            raise
        status = status_after(interruption.signal)
        with suppress(OSError, ValueError, AttributeError):  # nobody may read it any more
            sys.stderr.write("Interrupted.\n")
    interruption.over(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
