"""The script of a Slurm array job: a worker for each of its tasks.

It is generated, and not submitit's: that runs a pickled function in a process which ignores SIGTERM, and asks
Slurm's accounting how it went. A worker is a command, is told to stop by SIGTERM, and leaves in the study how
it went.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studyhall.studies.errors import WORK_FAILED, StudyhallError

WARNING_SECONDS = 60  # before the time limit, the least that Slurm keeps to; a worker needs some ten
STOPPED_STATUS = os.EX_TEMPFAIL  # of a worker that was told to stop while trials were waiting

_OURS = {
    "--array": "--workers sets their number",
    "-a": "--workers sets their number",
    "--signal": "the script handles the signal that it asks for",
    "--wrap": "the script is Studyhall's",
}

_STEP = """\
# The array's number is one task's own number too; with it, all tasks would be meant.
job=${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}
running() { [ "$(squeue --noheader --jobs="$job" --format=%T)" = RUNNING ]; }
# What warns of the time limit reaches this script alone; what warns of a pre-emption, and `scancel --signal`, its steps alone.
# Of its end, Slurm tells all of a job, and then lets nobody send signals to it: scancel would try for half a minute.
trap 'running && scancel --signal=TERM "$job"' TERM
[ -z "$SLURM_CPUS_PER_TASK" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
srun --nodes=1 --ntasks=1 --input=none --mpi=none --export=ALL \\
  @COMMAND@ &
step=$!
wait "$step"
while kill -0 "$step" 2>/dev/null; do wait "$step"; done # a signal ends the waiting, not the step
wait "$step"
status=$?
# A worker that was told to stop while trials wait, or before it could look (143), comes back for them.
# But a job that Slurm ends was either cancelled, or Slurm requeues it itself.
if [[ $status = @STOPPED@ || $status = 143 ]] && running; then
  exec scontrol requeue "$job"
fi
exit "$status"
"""


class SlurmError(StudyhallError):
    """Slurm cannot be given the job as it is asked for."""


class SlurmRefusalError(SlurmError):
    """Slurm does not take the job, or does not answer; or the job's script cannot be written."""

    exit_status = WORK_FAILED


@dataclass(frozen=True)
class ArrayJob:
    """Workers of a study, as an array job.

    `study` is its name; `arguments` are what follows `studyhall worker --plain`. `options` are sbatch's,
    which win over ours. `storage_file` holds the database's URL, which is nowhere else. `logs` is a folder,
    from where the job is submitted.
    """

    study: str
    workers: int
    storage_file: Path
    arguments: Sequence[str]
    options: Sequence[str] = ()
    artifacts: str | None = None
    logs: Path = Path("logs")

    @property
    def script(self) -> str:
        """The script, to be given to sbatch.

        Raises:
            SlurmError: An option is one that the script needs for itself, or is none.
        """
        logs = f"{self.logs}".replace("%", "%%")
        ours = [
            f"--job-name={shlex.quote(f'studyhall-{self.study}')}",
            f"--array=1-{self.workers}",
            "--nodes=1",
            "--ntasks=1",
            f"--output={shlex.quote(f'{logs}/%A_%a.log')}",
            "--open-mode=append",  # after a requeue too
            "--requeue",
            f"--signal=B:TERM@{WARNING_SECONDS}",
        ]
        settings = {
            "STUDYHALL_STORAGE_FILE": f"{self.storage_file}",
            "STUDYHALL_STOPPED_STATUS": STOPPED_STATUS,
        }
        if self.artifacts is not None:
            settings["STUDYHALL_ARTIFACTS"] = self.artifacts
        command = [sys.executable, "-P", "-m", "studyhall.search", "worker", "--plain", *self.arguments]
        return "\n".join(
            [
                "#!/bin/bash",
                f"# Workers of the study {self.study}: `sbatch` this where the folder {self.logs} is.",
                *(f"#SBATCH {each}" for each in [*ours, *directives(self.options)]),
                "",
                "unset STUDYHALL_STORAGE # it would win over the file",
                *(f"export {name}={shlex.quote(f'{value}')}" for name, value in settings.items()),
                _STEP.replace("@COMMAND@", shlex.join(command)).replace("@STOPPED@", f"{STOPPED_STATUS}"),
            ]
        )


def directives(options: Sequence[str]) -> list[str]:
    """Return sbatch's options, a line for each with its value, quoted as Slurm reads them.

    Raises:
        SlurmError: An option is one that the script needs for itself, or is none.
    """
    lines: list[str] = []
    for word in options:
        if not word.isprintable():
            raise SlurmError(f"{word!r} has characters that no option of sbatch has: leave it out.")
        if word.startswith("-"):
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if name in _OURS:
                raise SlurmError(f"{name} cannot be given to sbatch here: {_OURS[name]}. Leave it out.")
            lines.append(shlex.quote(word))
        elif lines:
            lines[-1] += f" {shlex.quote(word)}"
        else:
            raise SlurmError(
                f"{word!r} is not an option of sbatch: after --, write options as in --partition=gpu"
            )
    return lines
