"""`studyhall slurm`: workers of a study on the machines of a Slurm cluster."""

import shlex
from pathlib import Path

import click

from studyhall.search.commands.options import (
    KERAS_ENVIRONMENT,
    artifacts_option,
    epilog,
    leave_option,
    scale_option,
    study_argument,
)


@click.command(
    epilog=epilog(
        "studyhall slurm spirals --workers 8 -- --partition=gpu --gres=gpu:1 --time=4:00:00",
        "studyhall slurm spirals --workers 8 --dry-run   # shows the script",
        environment=KERAS_ENVIRONMENT,
    )
)
@study_argument
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    required=True,
    metavar="N",
    help="Tasks of the array job, with a worker each.",
)
@click.option(
    "--storage-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="STUDYHALL_STORAGE_FILE",
    show_envvar=True,
    help="A file with the PostgreSQL database's URL, which you alone can read, and which all machines see.",
)
@artifacts_option
@scale_option
@leave_option
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("slurm"),
    show_default=True,
    metavar="DIR",
    help="Where the script goes, and the workers' logs, into DIR/logs.",
)
@click.option("--dry-run", is_flag=True, help="Print the script, and submit nothing.")
@click.argument("sbatch_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- SBATCH-OPTIONS]")
def command(
    study: str,
    workers: int,
    storage_file: Path | None,
    artifacts: str | None,
    scale: float | None,
    leave: bool,
    folder: Path,
    dry_run: bool,
    sbatch_options: tuple[str, ...],
) -> None:
    """Submit N workers of STUDY to Slurm, as an array job.

    STUDY is a study file, or the name of a study in the storage, which must hold it already. A worker that
    Slurm stops, before its time limit or for another job, hands its trial back and is requeued as long as
    trials are left. What follows -- is for sbatch.
    """
    from studyhall.search.clusters.slurm.script import ArrayJob
    from studyhall.search.clusters.slurm.storage_file import StorageFile
    from studyhall.search.clusters.slurm.submitting import submit
    from studyhall.studies.study_file.reference import resolve_study

    storage = StorageFile.read(storage_file)
    reference = resolve_study(study, storage.url, artifacts, scale)
    scaled = () if scale is None else ("--scale", f"{scale}")
    job = ArrayJob(
        study=reference.name,
        workers=workers,
        storage_file=storage.path,
        arguments=(*(("--leave",) if leave else ()), *scaled, "--", study),
        options=sbatch_options,
        artifacts=artifacts,
        logs=folder / "logs",
    )
    if dry_run:
        click.echo(job.script, nl=False)
        return
    submitted = submit(job, storage.url, shlex.join(["studyhall", "create", *scaled, study]))
    click.echo(
        f"Slurm has job {submitted.number}, {workers} worker{'s' if workers > 1 else ''} of {reference.name}: "
        f"{submitted.script} logs to {submitted.logs}\n"
        f"  how it goes:  studyhall status {reference.name}\n"
        f"  end it:       studyhall stop {reference.name}"
    )
