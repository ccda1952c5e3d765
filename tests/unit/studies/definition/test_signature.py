"""What makes two definitions the same study, and what is said when they are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import differences, signature
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.code_files import located
from studyhall.studies.study_file.loading import define, load_definition

Make = Callable[..., Definition]

CODE = "def build(hp):\n    return None\n"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a definition from values by dotted key, in a folder with a HyperModel and a loader.

    Left out, both are ours.
    """
    (tmp_path / "my_model.py").write_text(CODE)
    (tmp_path / "my data.py").write_text("def load():\n    return None\n")

    def make(values: dict[str, Any] | None = None, folder: Path = tmp_path) -> Definition:
        return define(
            {"name": "first", "hypermodel": BUILT_IN_HYPERMODEL, "data": "mnist-fashion"}, folder, values
        )

    return make


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "second"),
        ("description", "words"),
        ("storage.url", "postgresql://host/db"),
        ("storage.artifacts", "elsewhere"),
        ("search.trials", 99),
        ("search.keep_models", 9),
        ("search.figures", False),
    ],
)
def test_what_cannot_change_a_result_does_not_change_the_signature(
    make: Make, key: str, value: object
) -> None:
    other = make({key: value})
    assert signature(other) == signature(make())
    assert differences(make(), other) == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("search.seed", 1, "search.seed: 0 in the study, 1 in the file"),
        ("objective.metric", "loss", 'objective.metric: "val_loss" in the study, "loss" in the file'),
        ("sampler.options.n_startup_trials", 3, "sampler.options.n_startup_trials: 5 in the study, 3 in the file"),
        ("pruner.options.n_warmup_steps", 4, "pruner.options.n_warmup_steps: 2 in the study, 4 in the file"),
        ("hypermodel.arguments.filters", [8, 16], "hypermodel.arguments.filters: not set in the study, [8, 16] in the file"),
        ("data.samples_per_epoch", 10, "data.samples_per_epoch: 50000 in the study, 10 in the file"),
        ("training.epochs", 12, "training.epochs: 20 in the study, 12 in the file"),
        ("training.early_stopping.patience", 1, "training.early_stopping.patience: 5 in the study, 1 in the file"),
        ("retraining.batch_size", 8, "retraining.batch_size: not set in the study, 8 in the file"),
        ("enqueue", [{"units": 3}], 'enqueue: [] in the study, [{"units": 3}] in the file'),
    ],
)  # fmt: skip
def test_what_can_change_a_result_changes_the_signature_and_is_named(
    make: Make, key: str, value: object, said: str
) -> None:
    options = {"pruner.name": "MedianPruner", "pruner.options.n_warmup_steps": 2}
    before, after = make(options), make(options | {key: value})
    assert signature(before) != signature(after)
    assert differences(before, after) == [said]


def test_values_of_different_types_are_different(make: Make) -> None:
    key = "hypermodel.arguments.x"
    values: list[Any] = [1, 1.0, True, "1"]
    assert len({signature(make({key: value})) for value in values}) == len(values)
    assert differences(make({key: 1}), make({key: True})) == [f"{key}: 1 in the study, true in the file"]


def test_section_switched_off_is_named(make: Make) -> None:
    phrases = differences(make(), make({"training.early_stopping": False}))
    assert "training.early_stopping: not set in the study, false in the file" in phrases
    assert "training.early_stopping.patience: 5 in the study, not set in the file" in phrases


def test_order_of_keys_and_short_forms_do_not_matter(make: Make, tmp_path: Path) -> None:
    arguments = {"a": 1, "b": {"c": 2, "d": 3}}
    turned = {"b": {"d": 3, "c": 2}, "a": 1}
    assert signature(make({"hypermodel.arguments": arguments})) == signature(
        make({"hypermodel.arguments": turned})
    )
    assert signature(make({"sampler": "tpe"})) == signature(make({"sampler": {"name": "TPESampler"}}))


def test_signature_does_not_depend_on_where_the_code_is(make: Make, tmp_path: Path) -> None:
    definition = make({"hypermodel": "my_model.py:build"})
    elsewhere = tmp_path / "a copy"
    elsewhere.mkdir()
    (elsewhere / "my_model.py").write_text(CODE)
    assert signature(make({"hypermodel": "my_model.py:build"}, elsewhere)) == signature(definition)


def test_edited_code_changes_the_signature_and_is_named(make: Make, tmp_path: Path) -> None:
    values = {"hypermodel": "my_model.py:build", "data": "my data.py:load"}
    before = make(values)
    assert before.files == ("my_model.py", "my data.py")
    (tmp_path / "my_model.py").write_text(CODE + "# other\n")
    after = make(values)
    assert signature(before) != signature(after)
    assert differences(before, after) == ["my_model.py: its content has changed since the study was created"]


def test_another_file_of_code_is_named_once(make: Make, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(CODE)
    phrases = differences(make({"hypermodel": "my_model.py:build"}), make({"hypermodel": "other.py:build"}))
    assert phrases == ['hypermodel.path: "my_model.py:build" in the study, "other.py:build" in the file']


def test_missing_code_is_refused_with_the_file_that_looks_like_it(make: Make, tmp_path: Path) -> None:
    with pytest.raises(
        DefinitionError, match=r"there is no file my_modell\.py in .*; did you mean 'my_model\.py'\?"
    ):
        make({"hypermodel": "my_modell.py:build"})
    with pytest.raises(DefinitionError, match=r"there is no file code/x\.py in .*; put it there"):
        make({"hypermodel": "code/x.py:build"})


def test_code_is_looked_up_from_the_folder_of_the_study_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "a 'project' é"
    project.mkdir()
    (project / "my_model.py").write_text(CODE)
    (project / "s.toml").write_text("hypermodel = 'my_model.py:build'\ndata = 'synthetic'")
    monkeypatch.chdir(tmp_path)
    definition = load_definition(Path(project.name) / "s.toml")
    assert definition.folder == project
    assert definition.folder.is_absolute()


def test_code_may_be_anywhere(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "studies"
    absolute, home = f"{tmp_path}/my_model.py", "~/my_model.py"
    digests = [make({"hypermodel": f"{path}:build"}, folder).origin.files for path in (absolute, home)]
    assert digests[0][absolute] == digests[1][home]


def test_stored_definition_comes_back_as_itself_and_knows_its_code(make: Make, tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "hypermodel": "my_model.py:build",
        "hypermodel.arguments": {"a": [1, 2.0, True, {"b": "c"}]},
        "training.early_stopping": False,
        "enqueue": [{"a": 1, "b": 1.0, "c": True, "d": "1"}],
    }
    definition = make(values)
    stored = json.loads(json.dumps(definition.record()))
    restored = Definition.model_validate(stored)
    assert restored == definition
    assert signature(restored) == signature(definition)
    assert [type(value) for value in restored.enqueue[0].values()] == [int, float, bool, str]
    assert restored.folder == tmp_path


def test_stored_definition_can_be_moved_to_another_folder(make: Make, tmp_path: Path) -> None:
    stored = make({"hypermodel": "my_model.py:build"})
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(DefinitionError, match=r"there is no file my_model\.py in .*there; put it there"):
        located(stored, there)
    (there / "my_model.py").write_text(CODE)
    moved = located(stored, there)
    assert moved.folder == there
    assert signature(moved) == signature(stored)
    (there / "my_model.py").write_text("")
    assert differences(stored, located(stored, there))


def test_record_holds_no_password(make: Make) -> None:
    definition = make({"storage.url": "postgresql://me:secret@host/db"})
    assert "secret" not in json.dumps(definition.record())
    assert definition.storage.url == "postgresql://me:secret@host/db"
    assert signature(Definition.model_validate(definition.record())) == signature(definition)
