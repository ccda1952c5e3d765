"""What Slurm is given: a script that says all but the database's URL, and nothing where that cannot work."""

import re
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from studyhall.search.clusters.slurm.script import (
    STOPPED_STATUS,
    WARNING_SECONDS,
    ArrayJob,
    SlurmError,
    directives,
)
from studyhall.search.clusters.slurm.storage_file import StorageFile
from studyhall.search.clusters.slurm.submitting import Submitted, submit
from studyhall.search.commands.group import cli
from studyhall.search.commands.stopped_status import status_after_stop
from studyhall.search.processes.launching import STOP_SECONDS
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StudyhallError
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.reference import StudyReference

URL = "postgresql://me:hush@db.example.org/studies"

# As Slurm's commands: they note how they were called; `srun` and `squeue` say what the test has them say.
FAKE = """#!/bin/bash
echo "$(basename "$0") $*" >> "$NOTES"
case $(basename "$0") in
  srun) [ -z "$TOLD" ] || kill -TERM $PPID; sleep 0.2; exit "$STATUS" ;;
  squeue) echo "$STATE" ;;
esac
"""


@pytest.fixture
def storage_file(tmp_path: Path) -> Path:
    path = tmp_path / "the url's file"
    path.write_text(URL + "\n")
    path.chmod(0o600)
    return path


def job(storage_file: Path, *options: str) -> ArrayJob:
    return ArrayJob("quick", 3, storage_file, ("--", "quick"), options, logs=Path("slurm/logs"))


def lines_of(script: str) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]


def slurm(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["slurm", *arguments])


def test_script_asks_for_a_worker_in_each_task_a_log_for_each_and_a_warning_in_time(
    storage_file: Path,
) -> None:
    script = job(storage_file).script
    assert lines_of(script) == [
        "--job-name=studyhall-quick",
        "--array=1-3",
        "--nodes=1",
        "--ntasks=1",
        "--output=slurm/logs/%A_%a.log",
        "--open-mode=append",
        "--requeue",
        "--signal=B:TERM@60",
    ]
    assert WARNING_SECONDS > STOP_SECONDS
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_script_names_the_storages_file_and_not_what_is_in_it(storage_file: Path) -> None:
    script = job(storage_file).script
    assert "the url" in script
    assert "hush" not in script
    assert script.index("unset STUDYHALL_STORAGE ") < script.index("export STUDYHALL_STORAGE_FILE=")
    assert "hush" not in repr(StorageFile.read(storage_file))


def test_sbatchs_own_options_come_last_each_on_a_line_quoted_as_slurm_reads_them() -> None:
    given = ["-p", "gpu", "--gres=gpu:1", "--comment", "it's # 1", "--time=1:00"]
    assert directives(given) == ["-p gpu", "--gres=gpu:1", "--comment 'it'\"'\"'s # 1'", "--time=1:00"]


@pytest.mark.parametrize(
    "option", ["--array=1-9", "-a1-9", "-a", "--signal=USR1@5", "--wrap=true", "gpu", "--comment=a\nb"]
)
def test_options_that_the_script_needs_for_itself_are_refused(storage_file: Path, option: str) -> None:
    with pytest.raises(SlurmError):
        _ = job(storage_file, option).script


def test_percent_signs_of_a_folder_are_no_patterns_of_slurms(storage_file: Path) -> None:
    odd = ArrayJob("quick", 1, storage_file, (), logs=Path("100% it's/logs"))
    assert "--output='100%% it'\"'\"'s/logs/%A_%a.log'" in lines_of(odd.script)


@pytest.mark.parametrize(
    ("status", "state", "requeued"),
    [
        (STOPPED_STATUS, "RUNNING", True),  # told to stop, with trials left
        (143, "RUNNING", True),  # told to stop before it could look
        (0, "RUNNING", False),  # the queue is empty
        (2, "RUNNING", False),  # the study cannot be worked on
        (STOPPED_STATUS, "COMPLETING", False),  # cancelled, or Slurm requeues it
    ],
)
@pytest.mark.parametrize("told", ["", "yes"])
def test_a_worker_is_requeued_only_if_it_was_told_to_stop_and_nobody_ended_it(
    storage_file: Path, tmp_path: Path, status: int, state: str, requeued: bool, told: str
) -> None:
    for name in ("srun", "squeue", "scancel", "scontrol"):
        (tmp_path / name).write_text(FAKE)
        (tmp_path / name).chmod(0o700)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "NOTES": f"{tmp_path}/notes",
        "TOLD": told,
        "STATUS": f"{status}",
        "STATE": state,
        "SLURM_ARRAY_JOB_ID": "70",
        "SLURM_ARRAY_TASK_ID": "2",
    }
    ran = subprocess.run(
        ["bash"],
        input=job(storage_file).script,
        env=environment,
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
    )
    notes = (tmp_path / "notes").read_text().splitlines()
    # What the script alone is told reaches the worker's step, and only this task's of the array.
    assert ("scancel --signal=TERM 70_2" in notes) == (told != "" and state == "RUNNING")
    assert ("scontrol requeue 70_2" in notes) == requeued
    assert ran.returncode == (0 if requeued else status), ran.stderr


def test_dry_run_prints_the_script_and_makes_nothing(
    storage_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = slurm(
        "quick", "--workers", "2", "--storage-file", str(storage_file), "--dry-run", "--", "-p", "gpu"
    )
    assert answer.exit_code == 0
    assert answer.output.startswith("#!/bin/bash\n")
    assert "#SBATCH --array=1-2" in answer.output
    assert lines_of(answer.output)[-1] == "-p gpu"
    assert list(tmp_path.iterdir()) == [storage_file]


@pytest.mark.parametrize(
    ("mode", "text", "told"),
    [
        (0o640, URL, "Run: chmod 600"),
        (0o604, URL, "Run: chmod 600"),
        (0o600, "sqlite:////shared/studies.db", "need PostgreSQL"),
        (0o600, "nothing", "must hold that and nothing else"),
    ],
)
def test_a_file_that_others_may_read_or_that_names_no_server_is_refused_in_one_line(
    storage_file: Path, mode: int, text: str, told: str
) -> None:
    storage_file.write_text(text)
    storage_file.chmod(mode)
    answer = slurm("quick", "--workers", "2", "--storage-file", str(storage_file), "--dry-run")
    assert isinstance(answer.exception, StudyhallError)
    assert told in str(answer.exception)
    assert "hush" not in str(answer.exception)


def test_without_a_file_or_with_one_that_is_missing_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SlurmError, match="STUDYHALL_STORAGE_FILE"):
        StorageFile.read(None)
    with pytest.raises(SlurmError, match="no such file"):
        StorageFile.read(tmp_path / "missing")


def test_a_machine_without_sbatch_is_told_of_in_one_line_and_nothing_is_made(
    storage_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = slurm("quick", "--workers", "2", "--storage-file", str(storage_file))
    assert isinstance(answer.exception, SlurmError)
    assert str(answer.exception).startswith("There is no sbatch on this machine")
    assert list(tmp_path.iterdir()) == [storage_file]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A storage with `quick`, whose trial waits, and `done`, whose trial is finished."""
    url = f"sqlite:///{tmp_path_factory.mktemp('database')}/studies.db"
    storage = open_storage(url, create=True)
    for name in ("quick", "done"):
        study = Study.create_or_join(
            storage, Definition.model_validate({"name": name, "search": {"trials": 1}})
        )
    study.optuna().tell(study.optuna().ask(), 0.5)
    storage.close()
    return url


def sbatch_that(does: str, folder: Path) -> dict[str, str]:
    """An environment with an sbatch that does something."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "sbatch"
    program.write_text(f"#!/bin/bash\n{does}\n")
    program.chmod(0o700)
    return {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "STUDYHALL_STORAGE": URL, "KERAS_BACKEND": "jax"}


def test_a_job_is_submitted_with_its_script_and_no_url_in_its_environment(
    storage_file: Path, tmp_path: Path, database: str
) -> None:
    environment = sbatch_that(
        f"env > '{tmp_path}/given'; cat \"$2\" > '{tmp_path}/taken'; echo '12;lab'", tmp_path
    )
    slow = ArrayJob("quick", 2, storage_file, ("quick",), logs=tmp_path / "slurm" / "logs")
    submitted = submit(slow, database, "studyhall create quick.toml", environment)
    assert submitted == Submitted("12", tmp_path / "slurm/quick.sh", f"{tmp_path}/slurm/logs/12_*.log")
    assert submitted.script.read_text() == (tmp_path / "taken").read_text() == slow.script
    assert (tmp_path / "slurm" / "logs").is_dir()
    given = (tmp_path / "given").read_text()
    assert "KERAS_BACKEND=jax" in given
    assert "STUDYHALL_STORAGE" not in given


@pytest.mark.parametrize(
    ("study", "told"),
    [
        ("quick", "sbatch refuses the job: Batch job submission failed: Invalid partition name specified."),
        ("missing", "holds no study 'missing'. Create it first, with: studyhall create missing.toml"),
    ],
)
def test_after_a_job_that_is_refused_nothing_is_left(
    storage_file: Path, tmp_path: Path, database: str, study: str, told: str
) -> None:
    refusal = (
        "echo 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2; exit 1"
    )
    environment = sbatch_that(refusal, tmp_path)
    wrong = ArrayJob(study, 2, storage_file, (study,), logs=tmp_path / "slurm" / "logs")
    with pytest.raises(StudyhallError, match=re.escape(told)):
        submit(wrong, database, f"studyhall create {study}.toml", environment)
    assert not (tmp_path / "slurm").exists()


def test_a_stopped_worker_ends_with_the_status_that_was_asked_for_only_while_trials_wait(
    tmp_path: Path, database: str
) -> None:
    quick, done = StudyReference("quick", database, None), StudyReference("done", database, None)
    away = StudyReference("quick", f"sqlite:///{tmp_path}/away.db", None)
    assert status_after_stop(quick, signal.SIGTERM, 75) == 75
    assert status_after_stop(quick, signal.SIGTERM, 0) == 0
    assert status_after_stop(done, signal.SIGTERM, 75) == 0
    assert status_after_stop(away, signal.SIGTERM, 75) == 75


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_worker_ends_with_its_signals_status_where_no_other_was_asked_for(
    database: str, number: int, status: int
) -> None:
    for name in ("quick", "done"):
        assert status_after_stop(StudyReference(name, database, None), number, None) == status
