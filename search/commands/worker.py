"""`studyhall worker`: one more pair of hands for a study."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studyhall.search.commands.options import (
    WORK_ENVIRONMENT,
    epilog,
    leave_option,
    project_option,
    same_command,
    study_options,
)
from studyhall.search.commands.stopped_status import status_after_stop, stopped_status_option

if TYPE_CHECKING:
    from studyhall.search.workers.settings import WorkerSettings


@click.command(
    epilog=epilog(
        "studyhall worker spirals/study.toml",
        "studyhall worker spirals --storage sqlite:////shared/studies.db",
        "studyhall worker spirals --gpus all --slots-per-gpu 2",
        environment=WORK_ENVIRONMENT,
    )
)
@study_options
@project_option
@leave_option
@stopped_status_option
def command(
    study: str,
    storage: str | None,
    artifacts: str | None,
    scale: float | None,
    plain: bool,
    workers: int | None,
    gpus: str | None,
    slots_per_gpu: int | None,
    settings: "WorkerSettings",
    project: Path | None,
    leave: bool,
    stopped_status: int | None,
) -> int:
    """Train trials of STUDY until none is left.

    STUDY is a study file, or the name of a study in the storage. Start as many workers as there are devices,
    here all at once with --gpus or --workers: they share the queue, and no trial is trained twice. One that
    finds the queue empty waits while others have trials, and takes those of workers that die; see --leave. A
    worker does not publish: `studyhall search` and `studyhall retrain` do.
    """
    from studyhall.search.devices.slots import Wish, describe, environment_of, handed_over, plan_slots
    from studyhall.search.processes.launching import end_with_launcher
    from studyhall.studies.study_file.reference import resolve_study

    launched_for = handed_over(os.environ)
    if launched_for is not None:
        end_with_launcher()
    reference = resolve_study(study, storage, artifacts, scale, project)
    slots = (launched_for,) if launched_for else plan_slots(Wish(workers, gpus, slots_per_gpu))
    if len(slots) > 1:
        from studyhall.search.workers.local_work import hand_on, run_workers

        arguments = [study] if scale is None else [study, "--scale", f"{scale}"]
        arguments += [] if project is None else ["--project", f"{project}"]
        arguments += ["--leave"] if leave else []
        environment = hand_on(settings, len(slots), reference.storage_url, artifacts)
        number = run_workers(arguments, slots, environment, study)
        return 0 if number is None else status_after_stop(reference, number, stopped_status)

    from studyhall.search.processes.stop_switch import StoppedError
    from studyhall.search.session.session import session

    slot = slots[0]
    settings = replace(
        settings, environment=environment_of(slot, os.environ), device=slot.device, leaves=leave
    )
    if launched_for:
        stopped_status = None  # its launcher tells the scheduler
    try:
        with session(reference, same_command(study), plain=plain, settings=settings) as work:
            work.progress.say(describe(slot))
            number = work.work()
    except StoppedError as stopped:
        number = stopped.number
    return 0 if number is None else status_after_stop(reference, number, stopped_status)
