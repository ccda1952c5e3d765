"""The check of a definition in the training process, with a limit on its time."""

import os
import time
from collections.abc import Callable, Mapping, Sequence

from studyhall.search.core.outcome import Checked
from studyhall.search.processes.channel import CheckTask, Job
from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.processes.trainer_process import (
    TrainerCrashedError,
    TrainerProcess,
    TrainerStoppedError,
)
from studyhall.studies.awake_clock import AwakeClock
from studyhall.studies.definition import Definition
from studyhall.studies.errors import UserCodeError
from studyhall.studies.values import Value

LIMIT_VARIABLE = "STUDYHALL_CHECK_SECONDS"
LIMIT_SECONDS = 300.0
_OUR_MODELS = "studyhall.models"


class _Phases:
    """What a check calls in place of a trial's handle: it remembers what is being done, and since when."""

    def __init__(self) -> None:
        self.current = "starting the training process"
        self.since = time.monotonic()

    def phase(self, phase: str) -> None:
        """Note what begins."""
        self.current, self.since = phase, time.monotonic()


def check(
    definition: Definition,
    trainer: TrainerProcess,
    configurations: Sequence[Mapping[str, Value]] = (),
    stop: Callable[[], bool] = lambda: False,
    *,
    thorough: bool = False,
    limit: float | None = None,
) -> Checked:
    """Rehearse a trial of the definition's default model, in the training process; see `run_check`.

    Args:
        definition: The study's definition.
        trainer: The training process.
        configurations: More of them; `misfits` says why each of them cannot be built, if so.
        stop: Says when to leave it.
        thorough: Whether all is rehearsed even for a model of Studyhall's own; for a person's own it always
            is.
        limit: Seconds after which it is given up; by default those of STUDYHALL_CHECK_SECONDS, or 300.

    Raises:
        TrainerStoppedError: It was told to stop.
        MachineError: The machine is at fault.
        UserCodeError: A trial of the study could not work, or the check takes too long.
    """
    thorough = thorough or not definition.hypermodel.path.startswith(_OUR_MODELS)
    limit = limit_seconds() if limit is None else limit
    phases, clock = _Phases(), AwakeClock()

    def too_long() -> bool:
        return clock() > limit

    with scratch_folder() as scratch:
        task = CheckTask(Job(definition, scratch), tuple(map(dict, configurations)), thorough)
        try:
            checked: Checked = trainer.run(task, phases, lambda: stop() or too_long())
        except TrainerCrashedError as crash:
            crash.raise_if_machines()
            error = UserCodeError(f"{definition.hypermodel.path} ends its process: {crash.reason}")
            error.details = crash.output
            raise error from crash
        except TrainerStoppedError:
            if stop() or not too_long():
                raise
            seconds = time.monotonic() - phases.since
            raise UserCodeError(
                f"the check took longer than {limit:.0f} s: {phases.current} has not ended after {seconds:.0f} s; if it only needs longer, "
                f"set {LIMIT_VARIABLE}"
            ) from None
    return checked


def limit_seconds() -> float:
    """Return the limit that the environment sets.

    Raises:
        UserCodeError: It is no number of seconds.
    """
    given = os.environ.get(LIMIT_VARIABLE)
    if given is None:
        return LIMIT_SECONDS
    try:
        limit = float(given)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise UserCodeError(f"{LIMIT_VARIABLE} is {given!r}: give a number of seconds above 0")
    return limit
