"""What several workers of this machine do together, seen from the process that launched them."""

import shlex
import sys
import threading
from collections.abc import Mapping, Sequence

from studyhall.search.core.events import Observer, WorkerFailed
from studyhall.search.devices.host_memory import GIB
from studyhall.search.devices.slots import Slot
from studyhall.search.processes.launching import Ended, LocalWorkers
from studyhall.search.processes.stacks import is_of_a_stack
from studyhall.search.processes.stop_switch import StopSwitch, signal_of, was_interrupted
from studyhall.search.views.narration import in_words
from studyhall.search.workers.settings import WorkerSettings
from studyhall.search.workers.watched_study import WatchedStudy
from studyhall.studies.errors import WORK_FAILED, WRONG_INPUT, StudyhallError
from studyhall.studies.study.study import Study

LOOK_SECONDS = 1.0


class WorkersFailedError(StudyhallError):
    """Workers failed; the exit status is theirs, where all of them have the same.

    Args:
        message: Which of them, and why.
        failed: Those that failed.
    """

    def __init__(self, message: str, failed: Sequence[Ended]) -> None:
        super().__init__(message)
        statuses = {each.status for each in failed}
        self.exit_status = WRONG_INPUT if statuses == {WRONG_INPUT} else WORK_FAILED


def has_failed(ended: Ended) -> bool:
    """Whether a worker failed: neither was its work done, nor was it told to stop."""
    return ended.status != 0 and not was_interrupted(ended.status)


def hand_on(
    settings: WorkerSettings, workers: int, storage_url: str, artifacts: str | None
) -> dict[str, str]:
    """Return the environment of launched workers: what their command lines need not, or must not, say.

    A list of processes would show a password in the storage's URL. The limit on memory is divided among them.
    """
    limits = settings.limits
    environment = {
        "STUDYHALL_STORAGE": storage_url,
        "STUDYHALL_LEASE_SECONDS": f"{settings.lease_seconds}",
        "STUDYHALL_STALL_SECONDS": f"{limits.stall_seconds}",
        "STUDYHALL_MEMORY_LIMIT": f"{limits.memory_bytes / workers / GIB}",
    }
    return environment if artifacts is None else environment | {"STUDYHALL_ARTIFACTS": artifacts}


def work_together(
    study: Study,
    slots: Sequence[Slot],
    environment: Mapping[str, str],
    observe: Observer,
    stop: StopSwitch,
) -> None:
    """Have local workers work through a study's queue, and show what they do, until all of them have left.

    Args:
        study: The study, which is in the storage already.
        slots: Where they run; no more are used than trials wait.
        environment: Tells them the storage and the artifact store.
        observe: Hears how the study stands, and of each worker that failed.
        stop: Passes a stop on to them.

    Raises:
        WorkersFailedError: All of them failed.
    """
    used = slots[: max(1, study.counts().waiting)]
    watched = WatchedStudy(study, observe)
    failed: list[Ended] = []
    with LocalWorkers([study.name], used, environment, _hear_stacks) as workers:
        stop.on_set(workers.stop)
        running = True
        while running:
            if stop():  # it may have been told before the workers were there
                workers.stop()
            workers.wait(LOOK_SECONDS)
            running = bool(workers.pids)
            for ended in workers.newly_ended():
                if has_failed(ended):
                    failed.append(ended)
                    observe(WorkerFailed(ended.name, ended.status, ended.output))
            watched.look()
    if len(failed) == len(used) and not stop():
        raise WorkersFailedError(all_failed(failed), failed)


def _hear_stacks(name: str, line: str) -> None:
    """Print a line of a worker's, whose output nobody sees, if SIGQUIT had it print that."""
    if is_of_a_stack(line):
        sys.stderr.write(f"{name} | {line}\n")
        sys.stderr.flush()


def run_workers(
    arguments: Sequence[str], slots: Sequence[Slot], environment: Mapping[str, str], study: str
) -> int | None:
    """Run `studyhall worker` once for each slot and print what they print, until all of them have left.

    Returns the number of the signal that told them to stop, or one of them; None where none did.

    Args:
        arguments: What follows `studyhall worker` on their command lines.
        slots: Where they run.
        environment: Tells them the storage and the artifact store.
        study: The study as it was named, for messages.

    Raises:
        WorkersFailedError: One or more of them failed.
    """
    stop = StopSwitch()
    stop.last_words = f"Ended at once: the workers hand back their trials. See: studyhall status {study}"
    printing = threading.Lock()

    def hear(name: str, line: str) -> None:
        with printing:
            sys.stdout.write(f"{name} | {line}\n")
            sys.stdout.flush()

    all_ended: list[Ended] = []
    with stop.on_signals(), LocalWorkers(arguments, slots, environment, hear) as workers:
        stop.on_set(workers.stop)
        while workers.pids:
            if stop():
                workers.stop()
            workers.wait(LOOK_SECONDS)
            all_ended += workers.newly_ended()
        all_ended += workers.newly_ended()
    failed = [ended for ended in all_ended if has_failed(ended)]
    if failed:
        message = all_failed(failed) if len(failed) == len(slots) else some_failed(failed, study)
        error = WorkersFailedError(message, failed)
        for each in failed:
            error.add_note(in_words(WorkerFailed(each.name, each.status, each.output)) or "")
        raise error
    if stop.signal is not None:
        return stop.signal
    return next((signal_of(ended.status) for ended in all_ended if ended.status != 0), None)


def all_failed(failed: Sequence[Ended]) -> str:
    """Return the line for workers of which none could work."""
    reasons = list(dict.fromkeys(map(_reason, failed)))
    who = "The worker" if len(failed) == 1 else f"All {len(failed)} workers"
    return f"{who} failed: {reasons[0]}"


def some_failed(failed: Sequence[Ended], study: str) -> str:
    """Return the line for workers of which some could not work; the others went on."""
    who = ", ".join(each.name for each in failed)
    return f"{who} failed: {_reason(failed[0])}. The others continued; see: studyhall status {shlex.quote(study)}"


def _reason(ended: Ended) -> str:
    lines = [line for line in ended.output.splitlines() if line.strip()]
    told = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    if told:
        return told[-1]
    return f"status {ended.status}" + (f", {lines[-1].strip()}" if lines else "")
