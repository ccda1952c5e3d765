"""`studyhall search`: the main job, from a study file to a published model."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from studyhall.search.commands.limits import limits_options
from studyhall.search.commands.options import (
    KERAS_ENVIRONMENT,
    artifacts_option,
    epilog,
    launch_options,
    plain_option,
    scale_option,
    storage_option,
    study_argument,
)

if TYPE_CHECKING:
    from studyhall.search.settings import WorkerSettings


@click.command(
    epilog=epilog(
        "studyhall search studies/quickstart.toml",
        "studyhall search studies/quickstart.toml --workers 2",
        "studyhall search quickstart   # go on with a study that the storage holds",
        "studyhall search studies/seed-003.toml --scale 0.02   # a rehearsal on a laptop",
        environment=KERAS_ENVIRONMENT,
    )
)
@study_argument
@storage_option
@artifacts_option
@scale_option
@plain_option
@launch_options
@limits_options
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
) -> int:
    """Search for the best network of STUDY, retrain it and publish it.

    STUDY is a study file, or the name of a study in the storage. The study is created if it is new, and gone on
    with if it is not: Ctrl-C leaves it whole, and the same command goes on from there.
    """
    from studyhall.search.references import resolve_study
    from studyhall.search.runner import session
    from studyhall.search.slots import Wish, alone, describe, environment_of, plan_slots

    reference = resolve_study(study, storage, artifacts, scale)
    slots = plan_slots(Wish(workers, gpus, slots_per_gpu))
    here = alone(slots[0])  # checks the study before the others start, and retrains after them
    settings = replace(
        settings, environment=environment_of(here, os.environ), device=here.device, slots=slots
    )
    with session(reference, plain=plain, settings=settings) as work:
        for slot in slots:
            work.progress.say(describe(slot))
        again = f"studyhall search {study}" if scale is None else f"studyhall search {study} --scale {scale}"
        return work.finish(work.search(), again)
