"""What a study file says of pausing trials, and what goes with it."""

from pathlib import Path
from typing import Any

import pytest

from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import differences, signature
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.loading import define, load_definition
from studyhall.studies.study_file.writing import to_toml


def made(tmp_path: Path, **tables: Any) -> Definition:
    """A definition with these sections."""
    return define({"name": "paused", "hypermodel": BUILT_IN_HYPERMODEL, **tables}, tmp_path)


def test_trials_pause_at_powers_of_the_factor_below_their_last_epoch(tmp_path: Path) -> None:
    scheduler = made(tmp_path, scheduler="asha").scheduler
    assert (scheduler.min_epochs, scheduler.reduction_factor) == (1, 3)
    assert scheduler.rungs(20) == (1, 3, 9)
    assert scheduler.rungs(9) == (1, 3)
    other = made(tmp_path, scheduler={"name": "asha", "min_epochs": 2, "reduction_factor": 4}).scheduler
    assert other.rungs(33) == (2, 8, 32)
    assert made(tmp_path).scheduler.rungs(20) == ()


def test_nothing_is_pruned_where_trials_pause(tmp_path: Path) -> None:
    assert made(tmp_path, scheduler="asha").pruner.name == "NopPruner"
    assert made(tmp_path, scheduler="asha", pruner="none").pruner.name == "NopPruner"
    assert made(tmp_path, scheduler="none").pruner.name == "MedianPruner"


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"scheduler": "pbt"}, "scheduler.name: must be 'none' or 'asha', not 'pbt'"),
        (
            {"scheduler": "asha", "pruner": "median"},
            "pruner: scheduler 'asha' decides how far a trial is trained; remove pruner 'median'",
        ),
        (
            {"scheduler": "asha", "objective": [{"metric": "val_loss"}, {"metric": "parameters"}]},
            "scheduler: 'asha' ranks trials by one objective, and there are several; remove the scheduler",
        ),
        (
            {"scheduler": {"name": "asha", "min_epochs": 20}},
            "scheduler.min_epochs: no trial would pause, as it ends after 20 epochs (training.epochs); it must be",
        ),
        (
            {"scheduler": {"name": "asha", "reduction_factor": 1}},
            "scheduler.reduction_factor: must be greater than or equal to 2, not 1",
        ),
        (
            {"scheduler": {"min_epochs": 2}},
            "scheduler: min_epochs has no effect where nothing pauses; add name = 'asha', or remove it",
        ),
        (
            {"scheduler": {"name": "asha", "factor": 4}},
            "scheduler.factor: unknown key; did you mean 'training.reduce_learning_rate.factor' or",
        ),
    ],
)
def test_what_does_not_go_with_pausing_is_refused_in_a_line(
    tmp_path: Path, tables: dict[str, Any], said: str
) -> None:
    with pytest.raises(DefinitionError) as error:
        made(tmp_path, **tables)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_pausing_is_signed_and_written_out(tmp_path: Path) -> None:
    paused, plain = made(tmp_path, scheduler="asha"), made(tmp_path, pruner="none")
    assert signature(paused) != signature(plain)
    assert differences(plain, paused)[0] == 'scheduler.name: not set in the study, "asha" in the file'
    text = to_toml(paused)
    assert "min_epochs = 1\n" in text
    assert "reduction_factor = 3\n" in text
    path = tmp_path / "paused.toml"
    path.write_text(text)
    assert load_definition(path) == paused
    assert Definition.model_validate(paused.record()) == paused


def test_studies_from_before_schedulers_keep_their_signature(tmp_path: Path) -> None:
    definition = made(tmp_path)
    record = definition.record()
    del record["scheduler"]
    assert signature(Definition.model_validate(record)) == signature(definition)


@pytest.mark.parametrize("scale", [0.5, 0.1, 0.01])
def test_a_scaled_study_still_has_a_rung(tmp_path: Path, scale: float) -> None:
    definition = made(tmp_path, scheduler={"name": "asha", "min_epochs": 4}, scale=scale)
    assert definition.scheduler.rungs(definition.training.epochs)
    assert Definition.model_validate(definition.record()) == definition
