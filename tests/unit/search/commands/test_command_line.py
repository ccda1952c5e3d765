"""The command line answers at once, and its help is complete."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from studyhall.search.cli import main
from studyhall.search.commands.group import COMMANDS, cli
from studyhall.search.commands.options import same_command
from studyhall.studies.errors import DefinitionError

HEAVY = ("tensorflow", "keras", "keras_tuner", "jax")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example_for_every_command(name: str) -> None:
    answer = CliRunner().invoke(cli, [name, "--help"])
    assert answer.exit_code == 0
    assert "Example" in answer.output
    assert f"studyhall {name}" in answer.output


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_the_environment_variable_of_the_storage_where_it_is_read(name: str) -> None:
    answer = CliRunner().invoke(cli, [name, "--help"])
    assert ("--storage" in answer.output) == ("STUDYHALL_STORAGE" in answer.output)


@pytest.mark.parametrize("name", ["search", "worker", "retrain"])
def test_help_of_what_works_on_a_study_names_the_variables_that_are_no_options(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"]).output
    webhook = (
        "STUDYHALL_WEBHOOK",
        "STUDYHALL_WEBHOOK_FILE",
        "STUDYHALL_WEBHOOK_SECRET",
        "STUDYHALL_WEBHOOK_SECRET_FILE",
    )
    store = (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_CA_BUNDLE",
    )
    device = ("CUDA_VISIBLE_DEVICES", "KERAS_BACKEND", "KERAS_HOME")
    for variable in (*webhook, *store, *device):
        assert re.search(rf"\b{variable}\b", shown), variable


def test_import_of_a_wrong_folder_is_refused_before_anybody_waits_for_keras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dir" / "digits").mkdir(parents=True)
    (tmp_path / "dir" / "digits" / "oracle.json").touch()
    monkeypatch.setitem(sys.modules, "keras_tuner", None)  # whoever imports it fails
    for folder, said in (
        ("dir", "has no oracle.json.*; did you mean '.*/dir/digits'?"),
        ("elsewhere", "is not a folder"),
    ):
        answer = CliRunner().invoke(cli, ["import", str(tmp_path / folder)])
        assert isinstance(answer.exception, DefinitionError)
        assert re.search(said, str(answer.exception))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["serch", "x"], "there is no command 'serch'; did you mean 'search'?"),
        (["search", "x", "--worker", "2"], "search has no option --worker; did you mean '--workers'?"),
        (["search", "x", "--trials", "3"], "search has no option --trials; extend has it"),
        (["search", "x", "--zzz"], "search has no option --zzz\n"),
        (["--verison"], "has no option --verison; did you mean '--version'?"),
    ],
)
def test_what_there_is_not_is_answered_with_what_was_meant(
    given: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["studyhall", *given])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["search", "my study.toml"], "studyhall search 'my study.toml'"),
        (
            [
                "search",
                "x",
                "--artifacts",
                "other store",
                "--storage",
                "sqlite:///else.db",
                "--scale",
                "0.02",
                "--plain",
            ],
            "studyhall search x --storage sqlite:///else.db --artifacts 'other store' --scale 0.02 --plain",
        ),
        (["search", "x", "--on", "ray", "--workers", "2"], "studyhall search x --workers 2 --on ray"),
        (
            ["worker", "x", "--storage", "postgresql://me:hush@db/studies"],
            "studyhall worker x --storage 'postgresql://me:***@db/studies'",
        ),
    ],
)
def test_the_command_to_go_on_with_has_the_options_that_were_given_and_no_password(
    given: list[str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDYHALL_LEASE_SECONDS", "30")  # stays in the environment
    name, *arguments = given
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    context = found.make_context(name, arguments)
    with context:
        assert same_command(context.params["study"]) == shown


def test_light_commands_never_import_a_machine_learning_framework() -> None:
    program = f"""
import sys
from studyhall.search.commands.group import COMMANDS, cli
for name in COMMANDS:
    cli.get_command(None, name)
import studyhall.search.views.status, studyhall.search.actions.fetch, studyhall.studies.study_file.reference
import studyhall.studies.study_file.writing
heavy = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("name", ["check", "search", "worker", "retrain", "evaluate", "predict"])
def test_what_runs_peoples_code_shows_a_whole_traceback_where_it_is_asked_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = DefinitionError("the study cannot be")
    refusal.details = "Traceback of somebody's\n"

    def refuse(*arguments: object, **options: object) -> None:
        raise refusal

    for module, function in (
        ("studyhall.studies.study_file.reference", "resolve_study"),
        ("studyhall.search.actions.check", "check_and_show"),
        ("studyhall.search.actions.score", "evaluate_and_show"),
        ("studyhall.search.actions.score", "predict_and_show"),
    ):
        monkeypatch.setattr(f"{module}.{function}", refuse)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("STUDYHALL_TRACEBACK", "")  # what the option sets ends with the test
    for option, shown in (
        ([], "Error: the study cannot be\n"),
        (["--traceback"], "Traceback of somebody's\nError: the study cannot be\n"),
    ):
        monkeypatch.setattr(sys, "argv", ["studyhall", name, "x", *option])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        assert capsys.readouterr().err == shown
