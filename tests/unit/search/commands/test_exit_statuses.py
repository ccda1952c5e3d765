"""Exit statuses: one table for all commands, and an error's status stands in its class."""

import re
import signal
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from studyhall.data.errors import DataError, DownloadError
from studyhall.search.clusters.ray.request import RayError, RayGoneError
from studyhall.search.clusters.slurm.script import SlurmError, SlurmRefusalError
from studyhall.search.commands import group
from studyhall.search.commands.group import COMMANDS, cli
from studyhall.search.devices.gpus import DeviceError
from studyhall.search.processes.launching import Ended
from studyhall.search.processes.stop_switch import StoppedError, StopSwitch, signal_of
from studyhall.search.remote.errors import BundleReplacedError, NotThereError, TransientError
from studyhall.search.server.errors import ServerError
from studyhall.search.workers.local_work import WorkersFailedError, has_failed
from studyhall.studies import errors
from studyhall.studies.database.address import parse
from studyhall.studies.status.catalogue import Catalogue

STATUSES: dict[type[errors.StudyhallError] | type[DataError], int] = {
    errors.WorkFailedError: 1,
    errors.MachineError: 1,
    errors.DefinitionError: 2,
    errors.RepeatedConfigurationError: 1,
    errors.ConfigurationsInUseError: 1,
    errors.UserCodeError: 2,
    errors.StorageError: 2,
    errors.StorageAwayError: 1,
    errors.StudyNotFoundError: 2,
    errors.StudyConflictError: 2,
    errors.LeaseLostError: 1,
    errors.ArtifactError: 1,
    errors.ArtifactLocationError: 2,
    errors.BundleError: 1,
    errors.BundleRequestError: 2,
    errors.BundleMismatchError: 1,
    errors.ModelFileError: 2,
    errors.ImageFileError: 2,
    DataError: 2,
    DownloadError: 1,
    DeviceError: 2,
    NotThereError: 2,
    TransientError: 1,
    BundleReplacedError: 1,
    RayError: 2,
    RayGoneError: 1,
    ServerError: 2,
    SlurmError: 2,
    SlurmRefusalError: 1,
}


def ended(status: int) -> Ended:
    return Ended("worker 1 of 2", status, "")


def test_the_table_has_every_command_and_the_readme_and_the_help_lead_to_it(repository: Path) -> None:
    page = (repository / "docs" / "exit-statuses.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(COMMANDS)
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == ["0", "1", "2", "129", "130", "143"]
    assert "(docs/exit-statuses.md)" in (repository / "README.md").read_text(encoding="utf-8")
    shown = " ".join(CliRunner().invoke(cli, ["--help"]).output.split())
    assert "0 success; 1 the work failed; 2 wrong input; 129, 130 or 143 interrupted by a signal" in shown
    assert "docs/exit-statuses.md" in shown


def test_every_error_of_the_tree_has_the_status_of_its_kind() -> None:
    assert {kind: kind.exit_status for kind in STATUSES} == STATUSES
    of_studies = {each for each in vars(errors).values() if isinstance(each, type)}
    assert of_studies - {errors.StudyhallError} <= set(STATUSES)


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (errors.WorkFailedError("no trial completed"), 1, "Error: no trial completed\n"),
        (errors.DefinitionError("a typing error"), 2, "Error: a typing error\n"),
        (DownloadError("no network"), 1, "Error: no network\n"),
        (DataError("no such source"), 2, "Error: no such source\n"),
        (
            WorkersFailedError("All 2 workers failed", [ended(1), ended(1)]),
            1,
            "Error: All 2 workers failed\n",
        ),
        (StoppedError(signal.SIGINT), 130, ""),
        (StoppedError(signal.SIGTERM), 143, ""),
        (click.UsageError("no such option"), 2, "Error: no such option\n"),
        (BrokenPipeError(), 1, ""),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else None,
)
def test_the_command_line_ends_with_the_status_of_what_ended_its_command(
    raised: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(**options: object) -> None:
        raise raised

    monkeypatch.setattr(sys, "stdout", sys.stdout)  # it is put away after a broken pipe
    monkeypatch.setattr(group.cli, "main", fail)
    assert group.run() == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (75, 75), (143, 143)])
def test_a_commands_own_status_is_passed_on(
    returned: int | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group.cli, "main", lambda **options: returned)
    assert group.run() == status


@pytest.mark.parametrize(
    ("statuses", "status"), [([2, 2], 2), ([1, 1], 1), ([1, 2], 1), ([-9], 1), ([-9, 2], 1), ([120], 1)]
)
def test_a_launcher_passes_on_what_its_workers_returned(statuses: list[int], status: int) -> None:
    assert WorkersFailedError("", [ended(each) for each in statuses]).exit_status == status


@pytest.mark.parametrize(
    ("status", "failed", "number"),
    [
        (0, False, None),
        (130, False, signal.SIGINT),
        (143, False, signal.SIGTERM),
        (-15, False, signal.SIGTERM),
        (129, False, signal.SIGHUP),
        (1, True, None),
        (2, True, None),
        (-9, True, None),
        (139, True, None),
    ],
)
def test_a_worker_that_was_interrupted_has_not_failed(status: int, failed: bool, number: int | None) -> None:
    assert has_failed(ended(status)) == failed
    assert signal_of(status) == number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_switch_remembers_which_signal_came_first(number: int) -> None:
    stop = StopSwitch()
    with stop.on_signals():
        assert stop.signal is None
        signal.raise_signal(number)
        assert stop()
        signal.raise_signal(signal.SIGTERM)  # within three seconds, of the same request
    assert stop.signal == number


def test_a_database_that_is_not_there_is_wrong_input_and_one_that_another_program_holds_is_not(
    tmp_path: Path,
) -> None:
    with pytest.raises(errors.StorageError) as missing, Catalogue(f"sqlite:///{tmp_path}/no.db") as catalogue:
        catalogue.names()
    assert missing.value.exit_status == 2
    from sqlalchemy.exc import OperationalError

    from studyhall.studies.database.connection import failure

    class Held(Exception):
        sqlite_errorcode = 5
        sqlite_errorname = "SQLITE_BUSY"

    held = failure(
        parse(f"sqlite:///{tmp_path}/held.db"), OperationalError("", {}, Held("database is locked"))
    )
    assert (type(held), held.exit_status) == (errors.StorageAwayError, 1)
