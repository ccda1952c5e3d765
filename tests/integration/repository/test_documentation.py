"""Every snippet of the documentation is run, read by what it is for, or said here not to be."""

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml  # type: ignore[import-untyped]

from studyhall.search.commands.group import cli
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.study_file.loading import load_definition
from tests.support.snippets import PAGES, indented, name_of, run_ones, snippets

# The languages of the snippets that run; test_documented_commands.py runs those of shells.
RUN = {
    "README.md": {"toml"},
    "docs/artifacts.md": {"sh", "toml"},
    "docs/coming-from-kerastuner.md": {"python", "toml"},
    "docs/kubernetes.md": {"sh"},
    "docs/notifications.md": {"sh", "json", "python"},
    "docs/scaling.md": {"ini"},
    "docs/scheduler.md": {"toml"},
    "docs/server.md": {"sh", "text", "yaml"},
    "docs/slurm.md": {"sh"},
}

# Why no test runs one, as its first line says, and how many there are.
NOT_RUN = {
    "README.md": ["it takes minutes"],
    "CONTRIBUTING.md": ["it takes minutes"],
    "docs/compose.md": ["it needs Docker", "it needs Docker and GPUs"],
    "docs/kubernetes.md": ["it needs Docker and a registry", "it needs a cluster"],
    "docs/ray.md": ["it needs a cluster"],
    "docs/server.md": ["it needs Caddy", "it needs nginx"],
    "docs/slurm.md": ["it needs Slurm"],
}


def commands(page: Path) -> list[str]:
    """What a page's snippets and sentences call Studyhall with."""
    text = page.read_text(encoding="utf-8")
    lines = [line for each in snippets(page) for line in each.text.splitlines()]
    found = (re.match(r"(?:.* -- )?studyhall (?=[a-z])(.*)", line) for line in lines)
    return [match[1] for match in found if match is not None] + re.findall(r"`studyhall ([a-z][^`&]*)", text)


def test_every_snippet_is_run_or_says_why_not() -> None:
    run: dict[str, set[str]] = {}
    not_run: dict[str, set[str]] = {}
    for page in PAGES:
        for each in snippets(page):
            if each.not_run is None:
                run.setdefault(each.page, set()).add(each.language)
            else:
                not_run.setdefault(each.page, set()).add(each.not_run.split(";")[0])
    assert run == RUN
    assert {page: sorted(reasons) for page, reasons in not_run.items()} == NOT_RUN


def test_nothing_but_pictures_is_indented() -> None:
    pictures = {"README.md", "docs/architecture.md"}  # which other tests hold against the repository
    assert {name_of(page) for page in PAGES if indented(page)} == pictures


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
    (pgbouncer,) = run_ones("docs/scaling.md", "ini")
    parsed = configparser.ConfigParser()
    parsed.read_string(pgbouncer)
    assert parsed["pgbouncer"]["pool_mode"] == "transaction"
    (prometheus,) = run_ones("docs/server.md", "yaml")
    (job,) = yaml.safe_load(prometheus)["scrape_configs"]
    assert job["static_configs"]


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Train without compiling, which takes TensorFlow longer than to train models of this size."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.filterwarnings(
    "ignore:Skipping variable loading for optimizer:UserWarning"
)  # KerasTuner's loading
@pytest.mark.filterwarnings(
    "ignore:Even though the `tf.config.experimental_run_functions_eagerly`:UserWarning"
)
def test_the_scripts_of_coming_from_kerastuner_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    def run(snippet: str) -> dict[str, Any]:
        exec(compile(snippet, "coming-from-kerastuner.md", "exec"), names)
        return dict(names)

    old, new, four, own, imported, later, by_optuna = run_ones("docs/coming-from-kerastuner.md", "python")
    theirs, ours = run(old), run(new)
    assert type(ours["best"]) is type(theirs["best"])
    assert len(ours["tuner"].oracle.trials) == len(theirs["tuner"].oracle.trials) == 2
    best = ours["tuner"].get_best_hyperparameters(2)
    assert set(best[0].values) <= {"units", "dropout", "rate", "learning_rate"}
    assert [type(tuner).__name__ for tuner in run(four)["tuners"]] == ["Tuner"] * 4
    folds = run(own)["tuner"]
    assert [trial.score > 0 for trial in folds.oracle.trials.values()] == [True, True]
    asked = run(imported)["tuner"].oracle.study.optuna().get_trials()[1].system_attrs["studyhall:start"]
    assert asked["values"] in [hp.values for hp in best]
    assert run(later)["values"] == best[0].values
    assert Path("best.keras").is_file()
    assert [params for _, _, params in run(by_optuna)["trials"]] == [
        trial.hyperparameters.values for trial in ours["tuner"].oracle.trials.values()
    ]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if snippets(page, "toml")], ids=lambda page: page.name
)
def test_study_files_in_the_documentation_are_study_files(tmp_path: Path, page: Path) -> None:
    for name in ("my_model.py", "my_data.py"):
        (tmp_path / name).write_text("")
    for number, snippet in enumerate(run_ones(name_of(page), "toml")):
        path = tmp_path / f"study{number}.toml"
        path.write_text(snippet)
        # A page that has named a study's model and data goes on with the sections that it writes of.
        named = {} if "hypermodel" in snippet else {"hypermodel.path": BUILT_IN_HYPERMODEL}
        load_definition(path, named)
