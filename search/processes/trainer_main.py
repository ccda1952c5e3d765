"""The training process's own start: what the process needs before, and while, its framework is imported.

Run as `python -m studyhall.search.processes.trainer_main FD PID [STDERR]`: an open socket to the worker, its
process number, and its standard error, to which SIGQUIT prints the stacks of this process.
"""

import gc
import os
import sys
from multiprocessing.connection import Connection

from studyhall.search.processes.signals import die_with_parent, leave_stopping_to_the_worker
from studyhall.search.processes.stacks import show_stacks_in


def main(descriptor: int, worker: int, stacks: int = 2) -> None:
    """Import the framework and serve the worker at the other end of the socket; never returns."""
    show_stacks_in(stacks)
    leave_stopping_to_the_worker()
    die_with_parent(worker)
    gc.disable()  # nothing that is imported is garbage; looking through it takes a fifth of the start
    from studyhall.search.devices.setup import prepare_device
    from studyhall.search.processes.trainer import serve

    prepare_device()
    gc.freeze()  # nor does each trial, which collects what the one before it left, look through it
    gc.enable()
    os.set_inheritable(descriptor, False)
    serve(Connection(descriptor))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
