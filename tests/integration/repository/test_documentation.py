"""Every snippet of the documentation is run, read by what it is for, or said here not to be."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import click
import keras_tuner
import pytest
import yaml  # type: ignore[import-untyped]

from studyhall.search.commands.group import cli
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.study_file.loading import load_definition

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# By the page and the language, "" where a block has none.
RUN = {
    ("docs/coming-from-kerastuner.md", "python"),
    *((str(page.relative_to(ROOT)), "toml") for page in PAGES),
    ("docs/scaling.md", "ini"),
    ("docs/server.md", "yaml"),
}
NOT_RUN = {
    (
        "docs/notifications.md",
        "json",
    ): "what a webhook is sent, which test_notifier.py compares field by field",
    (
        "docs/server.md",
        "",
    ): "files of credentials, which test_door_credentials.py reads, and of Caddy and nginx",
}


def snippets(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page that are in a language."""
    return [text for name, text in blocks(page) if name == language]


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: their language, and what they hold."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """What a page's blocks and sentences call Studyhall with."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^    (.*)$", text, re.MULTILINE)
    lines += [line for _, block in blocks(page) for line in block.splitlines()]
    found = (re.match(r"(?:.* -- )?studyhall (?=[a-z])(.*)", line) for line in lines)
    return [match[1] for match in found if match is not None] + re.findall(r"`studyhall ([a-z][^`&]*)", text)


def test_every_snippet_is_run_or_said_not_to_be() -> None:
    found = {(str(page.relative_to(ROOT)), language) for page in PAGES for language, _ in blocks(page)}
    assert found <= RUN | NOT_RUN.keys()
    assert found >= NOT_RUN.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_is_one_that_the_command_takes(page: Path) -> None:
    group = cli
    for line in commands(page):
        name, *arguments = shlex.split(line, comments=True)
        command = group.get_command(click.Context(group), name)
        assert command is not None, line
        if arguments != ["--help"]:
            command.make_parser(click.Context(command)).parse_args(arguments)


def test_command_lines_are_found() -> None:
    found = [line for page in PAGES for line in commands(page)]
    assert {"status quickstart", "serve quickstart"} <= set(found)
    assert len(found) > 20


def test_configurations_of_others_are_in_their_languages() -> None:
    (pgbouncer,) = snippets(ROOT / "docs" / "scaling.md", "ini")
    parsed = configparser.ConfigParser()
    parsed.read_string(pgbouncer)
    assert parsed["pgbouncer"]["pool_mode"] == "transaction"
    (prometheus,) = snippets(ROOT / "docs" / "server.md", "yaml")
    (job,) = yaml.safe_load(prometheus)["scrape_configs"]
    assert job["static_configs"]


@pytest.fixture
def without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """KerasTuner imports tensorboard for every trial, which TensorFlow does not bring any more."""
    monkeypatch.setattr(keras_tuner.Tuner, "_configure_tensorboard_dir", lambda *arguments, **options: None)


@pytest.mark.usefixtures("without_tensorboard")
@pytest.mark.filterwarnings(
    "ignore:Skipping variable loading for optimizer:UserWarning"
)  # KerasTuner's loading
def test_the_scripts_of_coming_from_kerastuner_do_what_they_say(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    page = repository / "docs" / "coming-from-kerastuner.md"
    old, new, *rest = snippets(page, "python")
    exec(compile(old, "old", "exec"), names)
    theirs, their_best = names["tuner"], names["best"]
    exec(compile(new, "new", "exec"), names)
    ours, our_best = names["tuner"], names["best"]
    assert type(our_best) is type(their_best)
    assert [each.shape[1:] for each in our_best.outputs] == [each.shape[1:] for each in their_best.outputs]
    assert len(ours.oracle.trials) == len(theirs.oracle.trials) == 2
    assert set(ours.get_best_hyperparameters()[0].values) <= {"units", "dropout", "rate", "learning_rate"}
    for snippet in rest:
        exec(compile(snippet, "rest", "exec"), names)
    asked = names["tuner"].oracle.study.optuna().get_trials()[1].system_attrs["studyhall:start"]
    best = ours.get_best_hyperparameters(2)
    assert asked["values"] in [hp.values for hp in best]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if snippets(page, "toml")], ids=lambda page: page.name
)
def test_study_files_in_the_documentation_are_study_files(tmp_path: Path, page: Path) -> None:
    for name in ("my_model.py", "my_data.py"):
        (tmp_path / name).write_text("")
    for number, snippet in enumerate(snippets(page, "toml")):
        path = tmp_path / f"study{number}.toml"
        path.write_text(snippet)
        # A page that has named a study's model and data goes on with the sections that it writes of.
        named = {} if "hypermodel" in snippet else {"hypermodel.path": BUILT_IN_HYPERMODEL}
        load_definition(path, named)
