"""The command line answers at once, and its help is complete."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from studyhall.search.cli import COMMANDS, cli

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


def test_light_commands_never_import_a_machine_learning_framework() -> None:
    program = f"""
import sys
from studyhall.search.cli import COMMANDS, cli
for name in COMMANDS:
    cli.get_command(None, name)
import studyhall.search.views.status, studyhall.search.fetching, studyhall.search.references
import studyhall.studies.definition_toml
heavy = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
