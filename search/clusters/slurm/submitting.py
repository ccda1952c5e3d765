"""Slurm: workers of a study, submitted as an array job."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studyhall.search.clusters.slurm.script import ArrayJob, SlurmError, SlurmRefusalError
from studyhall.studies.errors import StudyNotFoundError
from studyhall.studies.files import new_folder, write_atomically
from studyhall.studies.one_line import reason, shown
from studyhall.studies.status.catalogue import Catalogue

SUBMIT_SECONDS = 120.0  # sbatch itself waits for a controller that is away


@dataclass(frozen=True)
class Submitted:
    """An array job that Slurm has taken: its number, its script, and where its workers' logs will be."""

    number: str
    script: Path
    logs: str


def submit(
    job: ArrayJob, storage_url: str, create: str, environment: Mapping[str, str] = os.environ
) -> Submitted:
    """Write the job's script beside the folder of its logs, and give it to Slurm.

    After an error nothing is left of it.

    Args:
        job: The job.
        storage_url: The database, which must hold the study: what cannot work is found out before anything
            waits in a queue.
        create: The command that creates the study.
        environment: What Slurm hands on to the workers, but for a URL in it.

    Raises:
        StudyhallError: There is no sbatch here, or it refuses the job; or the study is not in the database.
    """
    script = job.script
    sbatch = shutil.which("sbatch", path=environment.get("PATH"))
    if sbatch is None:
        raise SlurmError(
            "There is no sbatch on this machine: run this where jobs are submitted to Slurm, or see the script with --dry-run."
        )
    with Catalogue(storage_url) as catalogue:
        if not catalogue.holds(job.study):
            raise StudyNotFoundError(
                f"{catalogue.address.shown} holds no study {job.study!r}. Create it first, with: {create}"
            )
    path = job.logs.parent / f"{job.study}.sh"
    try:
        with new_folder(job.logs), write_atomically(path) as written:
            written.write_text(script, encoding="utf-8")
            number = _sbatch(sbatch, written, environment)
    except OSError as error:
        raise SlurmRefusalError(f"{shown(path)} cannot be written: {reason(error)}.") from error
    return Submitted(number, path, f"{job.logs}/{number}_*.log")


def _sbatch(sbatch: str, script: Path, environment: Mapping[str, str]) -> str:
    """Submit a script; return the array job's number."""
    handed_on = {name: value for name, value in environment.items() if name != "STUDYHALL_STORAGE"}
    try:
        done = subprocess.run(
            [sbatch, "--parsable", str(script)],
            env=handed_on,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SUBMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SlurmRefusalError(
            f"sbatch did not answer within {SUBMIT_SECONDS:g} s. Check whether it took the job, with: squeue --me"
        ) from error
    if done.returncode != 0:
        told = [
            line.removeprefix("sbatch: ").removeprefix("error: ")
            for line in done.stderr.splitlines()
            if line.strip()
        ]
        raise SlurmRefusalError(
            f"sbatch refuses the job: {told[-1].rstrip('.') if told else f'status {done.returncode}'}."
        )
    return done.stdout.split(";")[0].strip()  # with a cluster's name behind it, where there are several
