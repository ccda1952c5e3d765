"""A study file says what it trains: nobody's model, and nobody's examples, come out of nowhere."""

import sys
from pathlib import Path

import pytest

from studyhall.search.commands import group as command_line
from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import signature
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.loading import load_definition

OURS = f"hypermodel = '{BUILT_IN_HYPERMODEL}'"


def written(folder: Path, text: str) -> Path:
    path = folder / "first.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        load_definition(written(folder, text))
    message = str(caught.value)
    assert "\n" not in message
    return message.partition("first.toml: ")[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Later.\n",
        "name = 'mine'",
        "[search]\ntrials = 3",
        "[hypermodel]",
        "hypermodel = {}",
        "hypermodel = {arguments = {filters = 8}}",
        "data = 'mnist-fashion'",
        "data = {mix = 'sum'}",
        "data = 'my_data.py:load'",
        "enqueue = [{filters = 8}]",
    ],
)
def test_file_that_names_no_model_is_refused_with_what_to_write(tmp_path: Path, text: str) -> None:
    said = refusal(tmp_path, text)
    assert said.startswith("hypermodel.path: is missing")
    assert "write path = 'my_model.py:build' under [hypermodel]" in said
    assert f"path = '{BUILT_IN_HYPERMODEL}' for the built-in network" in said


@pytest.mark.parametrize("data", ["", "[data]", "data = {mix = 'sum'}", "data = {samples_per_epoch = 64}"])
@pytest.mark.parametrize(
    "model",
    [
        "my_model.py:build",
        "package.module:Net",
        "keras_tuner.applications:HyperResNet",
        "studyhall.models_of_mine:build",
        "studyhall.models.py:build",
    ],
)
def test_persons_own_model_is_not_fed_images_unasked(tmp_path: Path, model: str, data: str) -> None:
    said = refusal(tmp_path, f"hypermodel = '{model}'\n{data}")
    assert said.startswith(
        f"data.source: is missing, so there is nothing to train '{model}' on; write source = "
    )
    assert "source = 'mnist-fashion' for the built-in mixtures" in said


def test_persons_own_model_may_have_the_built_in_examples_by_name(tmp_path: Path) -> None:
    for source in ("mnist-fashion", "synthetic"):
        definition = load_definition(
            written(tmp_path, f"hypermodel = 'package.module:Net'\ndata = '{source}'")
        )
        assert (definition.hypermodel.path, definition.data.source) == ("package.module:Net", source)


def test_misspelt_section_is_named_before_what_it_leaves_out(tmp_path: Path) -> None:
    assert refusal(tmp_path, f"hypermodell = '{BUILT_IN_HYPERMODEL}'") == (
        "hypermodell: unknown key; did you mean 'hypermodel'?"
    )
    assert refusal(tmp_path, "hypermodel = 'package.module:Net'\ndatas = 'synthetic'") == (
        "datas: unknown key; did you mean 'data'?"
    )


def test_record_that_leaves_out_model_and_data_still_opens_and_its_file_goes_on_once_it_says_them(
    tmp_path: Path,
) -> None:
    old = Definition.model_validate({"name": "first"})
    assert (old.hypermodel.path, old.data.source) == (BUILT_IN_HYPERMODEL, "mnist-fashion")
    now = load_definition(written(tmp_path, f"{OURS}\ndata = 'mnist-fashion'"))
    assert signature(old) == signature(now) == signature(load_definition(written(tmp_path, OURS)))


@pytest.mark.parametrize("command", ["check", "show", "search", "worker", "create"])
@pytest.mark.parametrize("text", ["", "hypermodel = 'package.module:Net'"])
def test_every_command_refuses_it_in_one_line_and_leaves_nothing_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    text: str,
) -> None:
    written(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["studyhall", command, "first.toml"])
    assert command_line.run() == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("Error: first.toml: ")
    assert "is missing, so there is nothing to train" in said.err
    assert [each.name for each in tmp_path.iterdir()] == ["first.toml"]
