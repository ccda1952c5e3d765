"""`studyhall search`: the main job, from a study file to a published model."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from studyhall.search.commands.engine_options import engine_options
from studyhall.search.commands.options import WORK_ENVIRONMENT, epilog, same_command, study_options

if TYPE_CHECKING:
    from studyhall.search.clusters.ray.request import RayRequest
    from studyhall.search.workers.settings import WorkerSettings


@click.command(
    epilog=epilog(
        "studyhall search spirals/study.toml",
        "studyhall search spirals/study.toml --workers 2",
        "studyhall search spirals   # continue a study in the storage",
        "studyhall search spirals/study.toml --scale 0.5   # a rehearsal on a laptop",
        "studyhall search spirals/study.toml --on ray --workers 16 --gpus-per-worker 0.5",
        environment=WORK_ENVIRONMENT,
    )
)
@study_options
@engine_options
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
    request: "RayRequest | None",
) -> int:
    """Search for the best hyperparameters of STUDY, retrain the best model and publish it.

    STUDY is a study file, or the name of a study in the storage. A new study is created, and one that is
    there is continued: Ctrl-C loses nothing, and the same command resumes the study.
    """
    from studyhall.search.devices.slots import Wish, alone, describe, environment_of, plan_slots
    from studyhall.search.session.session import session
    from studyhall.studies.study_file.reference import resolve_study

    reference = resolve_study(study, storage, artifacts, scale)
    engine = None
    if request is not None:
        from studyhall.search.clusters.ray.engine import RayEngine

        engine = RayEngine(request)
    slots = plan_slots(Wish(workers, gpus, slots_per_gpu) if engine is None else Wish())
    here = alone(slots[0])  # checks the study before the others start, and retrains after them
    settings = replace(
        settings, environment=environment_of(here, os.environ), device=here.device, slots=slots
    )
    again = same_command(study)
    with session(reference, again, plain=plain, settings=settings) as work:
        if engine is None:
            for slot in slots:
                work.progress.say(describe(slot))
        if engine is not None and request is not None and request.detach:
            work.leave_to(engine)
            return work.unfinished if work.interrupted else 0
        return work.finish(work.search(engine), again)
