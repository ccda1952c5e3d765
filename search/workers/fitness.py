"""Whether this machine can train a trial at all, asked before the first one is taken.

A worker that a full disk has ended is often started again at once, as containers are by their restart policy.
It then takes no trial before the disk has room, instead of beginning one after the other.
"""

import io
import os
import tempfile
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack

from studyhall.search.core.machine import fault_of
from studyhall.search.workers.fault_note import FaultNote
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import ArtifactError

PROBE_BYTES = 1 << 20  # what is written to the scratch folder and to the artifact store
FILES, THREADS = 16, 4  # that can be opened, and started; a training process needs more
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # s, between two tries


def await_fitness(
    store: ArtifactStore,
    note: FaultNote,
    notice: Callable[[str], object],
    *,
    stopped: Callable[[], bool],
    pause: Callable[[float], object],
) -> None:
    """Wait until this machine can train a trial, or until told to stop.

    Args:
        store: Where the trial's checkpoints would go.
        note: Says whether the machine has ended a worker of the study a moment ago.
        notice: Is told what is wrong, each time that it is something else.
        stopped: Says whether this process was told to stop.
        pause: Waits for so many seconds, or until this process is told to stop.
    """
    told, seconds = None, FIRST_PAUSE
    while not stopped() and (unfit := what_is_wrong(store)) is not None:
        if unfit != told:
            notice(unfit)
            told = unfit
        pause(seconds)
        seconds = min(2 * seconds, LONGEST_PAUSE)
    if told is None and (left := note.seconds()) > 0:  # for what can be found only by training
        notice(f"The machine has just ended a worker of this study. The next trial begins in {left:.0f} s.")
        pause(left)


def what_is_wrong(store: ArtifactStore) -> str | None:
    """Return why no trial can be trained here, in one line; None where nothing is known to be wrong."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(PROBE_BYTES))
        with ExitStack() as opened:
            for _ in range(FILES):
                opened.enter_context(open(os.devnull, "rb"))
        _start_threads()
        probe = f"probe-{uuid.uuid4().hex}"
        store.write(probe, io.BytesIO(bytes(PROBE_BYTES)))
        store.remove(probe)
    except ArtifactError as error:
        # What is not the machine's, such as a store that refuses, ends the worker when a trial needs it.
        return None if fault_of(error) is None else str(error)
    except (OSError, RuntimeError) as error:
        return fault_of(error)
    return None


def _start_threads() -> None:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait, daemon=True) for _ in range(THREADS)]
    try:
        for each in threads:
            each.start()
    finally:
        done.set()
        for each in threads:
            if each.ident is not None:
                each.join()
