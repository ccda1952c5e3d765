"""The scale of a study: which numbers it shrinks, how far, and how it is given."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from studyhall.search.commands.group import cli
from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import differences, signature
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.loading import define, load_definition
from studyhall.studies.study_file.reference import resolve_study
from studyhall.studies.study_file.writing import to_toml

STUDY: dict[str, Any] = {
    "name": "first",
    "hypermodel": BUILT_IN_HYPERMODEL,
    "search": {"trials": 50},
    "pruner": "hyperband",
    "data": {"samples_per_epoch": 50_000, "validation_samples": 5_000},
    "training": {"epochs": 30, "batch_size": 32},
    "retraining": {"epochs": 100, "samples_per_epoch": 80_000, "batch_size": 64},
}


def at(scale: float, tmp_path: Path, **more: Any) -> Definition:
    return define(STUDY | {"scale": scale} | more, tmp_path)


def budget(definition: Definition) -> tuple[int | None, ...]:
    data, retraining = definition.data, definition.retraining
    return (
        definition.search.trials,
        definition.training.epochs,
        data.samples_per_epoch,
        data.validation_samples,
        retraining.epochs,
        retraining.samples_per_epoch,
    )


def test_scale_multiplies_the_budget_and_nothing_else(tmp_path: Path) -> None:
    full, small = at(1.0, tmp_path), at(0.1, tmp_path)
    assert budget(full) == (50, 30, 50_000, 5_000, 100, 80_000)
    assert budget(small) == (5, 3, 5_000, 500, 10, 8_000)
    assert small.pruner.options["max_resource"] == 3  # which a pruner takes from the epochs that there are
    assert small.training.batch_size == full.training.batch_size
    for section in ("objective", "sampler", "hypermodel", "enqueue", "storage"):
        assert getattr(small, section) == getattr(full, section)


def test_smallest_scale_leaves_one_of_everything_and_whole_batches(tmp_path: Path) -> None:
    assert budget(at(1e-9, tmp_path)) == (1, 1, 32, 32, 1, 64)


def test_scale_never_makes_a_budget_larger(tmp_path: Path) -> None:
    tiny = {"data": {"samples_per_epoch": 7, "validation_samples": 3}, "search": {"trials": 1}}
    assert budget(at(0.9, tmp_path, **tiny))[:4] == (1, 27, 7, 3)


def test_what_is_enqueued_is_tried_at_every_scale(tmp_path: Path) -> None:
    assert at(0.01, tmp_path, enqueue=[{"filters": 8}, {"filters": 16}]).search.trials == 3


def test_data_of_a_persons_own_keep_their_size(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def load():\n    return None\n")
    definition = at(0.1, tmp_path, data="mine.py:load", retraining={"epochs": 100})
    assert definition == Definition.model_validate(definition.record())
    assert (definition.search.trials, definition.training.epochs) == (5, 3)


@pytest.mark.parametrize("scale", [0, -0.5, 1.01, "half"])
def test_scale_that_is_no_share_is_refused(tmp_path: Path, scale: Any) -> None:
    with pytest.raises(DefinitionError, match=r"^scale: must be "):
        at(scale, tmp_path)


def test_stored_definition_is_not_scaled_again(tmp_path: Path) -> None:
    small = at(0.1, tmp_path)
    assert Definition.model_validate(small.record()) == small
    assert small.record()["scale"] == 0.1


def test_another_scale_is_another_study_and_is_named_first(tmp_path: Path) -> None:
    full, small = at(1.0, tmp_path), at(0.1, tmp_path)
    assert signature(full) != signature(small)
    assert differences(full, small)[0] == "scale: 1.0 in the study, 0.1 in the file"


def test_scaled_study_file_reads_back_with_the_numbers_that_are_run(tmp_path: Path) -> None:
    file = tmp_path / "again.toml"
    file.write_text(to_toml(at(0.1, tmp_path)))
    assert "scale = 0.1" in file.read_text()
    assert budget(load_definition(file)) == budget(at(0.1, tmp_path))


def test_flag_wins_over_the_scale_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "first.toml"
    file.write_text(f"hypermodel = '{BUILT_IN_HYPERMODEL}'\nscale = 0.5\nsearch = {{trials = 40}}")
    for scale, trials in ((None, 20), (0.1, 4), (1.0, 40)):
        definition = resolve_study(str(file), None, scale=scale).definition
        assert definition is not None
        assert definition.search.trials == trials
    shown = CliRunner().invoke(cli, ["show", str(file), "--scale", "0.1"])
    assert "\ntrials = 4\n" in shown.output


def test_scale_of_a_study_in_the_storage_cannot_be_changed() -> None:
    with pytest.raises(DefinitionError, match=r"--scale needs a study file; the study 'first' keeps "):
        resolve_study("first", None, scale=0.1)
