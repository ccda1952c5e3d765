"""Several objectives in a study file, what goes with them, and the front that they have."""

from pathlib import Path
from typing import Any

import pytest

from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import signature
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.status.queries import undominated
from studyhall.studies.study_file.loading import define, load_definition
from studyhall.studies.study_file.writing import to_toml

TWO: list[Any] = [{"metric": "val_loss"}, {"metric": "parameters"}]


def made(tmp_path: Path, **tables: Any) -> Definition:
    """A definition with these sections."""
    return define({"name": "several", "hypermodel": BUILT_IN_HYPERMODEL, **tables}, tmp_path)


def test_a_list_of_objectives_is_several_and_prunes_nothing(tmp_path: Path) -> None:
    definition = made(tmp_path, objective=[*TWO, "val_accuracy"])
    assert definition.metrics == ("val_loss", "parameters", "val_accuracy")
    assert definition.directions == ("minimize", "minimize", "maximize")
    assert definition.pruner.name == "NopPruner"


def test_a_list_of_one_objective_is_that_objective(tmp_path: Path) -> None:
    assert signature(made(tmp_path, objective=TWO[:1])) == signature(made(tmp_path, objective="val_loss"))


def test_several_objectives_are_written_out_and_read_back_the_same(tmp_path: Path) -> None:
    definition = made(tmp_path, objective=TWO, from_study=["one", {"study": "two", "trials": 5}])
    path = tmp_path / "several.toml"
    path.write_text(to_toml(definition))
    assert load_definition(path) == definition
    assert Definition.model_validate(definition.record()) == definition


def test_what_a_study_begins_with_changes_no_signature(tmp_path: Path) -> None:
    assert signature(made(tmp_path, from_study=["one"])) == signature(made(tmp_path))
    assert [(each.study, each.trials) for each in made(tmp_path, from_study=["one"]).from_study] == [
        ("one", 3)
    ]


@pytest.mark.parametrize(
    ("tables", "wanted"),
    [
        ({"objective": []}, "the list of objectives is empty"),
        ({"objective": ["val_loss", "val_loss"]}, "'val_loss' is named twice"),
        ({"objective": ["parameters", "val_loss"]}, "put another objective first"),
        ({"objective": TWO, "pruner": "median"}, "remove pruner 'median'"),
        ({"objective": ["val_loss", {"metric": "val_f"}]}, "needs a direction; add"),
        ({"objective": "val_los"}, r"did you mean 'val_loss'\? Otherwise add direction"),
        ({"objective": "Val_acuracy"}, r"did you mean 'val_accuracy'\?"),
        ({"objective": ["val_loss", {"metrc": "val_f"}]}, "unknown key"),
    ],
)
def test_objectives_that_no_study_can_have_are_refused(
    tmp_path: Path, tables: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(DefinitionError, match=wanted):
        made(tmp_path, **tables)


def test_the_front_is_what_nothing_else_is_better_than() -> None:
    costs = {0: (3.0, 1.0), 1: (1.0, 3.0), 2: (2.0, 2.0), 3: (2.0, 2.5), 4: (3.0, 3.0), 5: (2.0, 2.0)}
    assert undominated(costs) == [1, 2, 5, 0]
    assert undominated({}) == []
