"""A search is looked at later, by another script: that needs no model and changes nothing."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from studyhall.search import Tuner
from studyhall.studies.errors import StudyConflictError, UserCodeError


def space(hp: Any) -> None:
    """A search space with a condition."""
    hp.Choice("kind", ["plain", "deep"])
    with hp.conditional_scope("kind", ["deep"]):
        hp.Int("depth", 1, 3)


class Made(Tuner):
    """Made the search; it trains nothing."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        self.hypermodel.build(hp)
        return {"val_loss": hp.Float("x", 0.0, 1.0)}


Make = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that makes a Tuner of one study."""

    def made(cls: Any = Tuner, hypermodel: Any = space, **arguments: Any) -> Any:
        return cls(
            hypermodel,
            **{
                "objective": "val_loss",
                "max_trials": 3,
                "directory": tmp_path,
                "project_name": "done",
                **arguments,
            },
        )

    return made


def rows(folder: Path) -> list[str]:
    """Return all that the database in a folder holds."""
    with closing(sqlite3.connect(folder / "studies.db")) as connection:
        return list(connection.iterdump())


def other_name(hp: Any) -> None:
    raise AssertionError("nobody builds a model to look at results")


@pytest.mark.parametrize(
    ("hypermodel", "arguments"),
    [
        (None, {"objective": None, "max_trials": None}),
        (lambda: None, {}),
        (other_name, {}),
        (other_name, {"sampler": "random", "seed": 5, "executions_per_trial": 2}),
    ],
)
def test_a_finished_project_is_read_without_its_model_and_stays_as_it_is(
    make: Make, tmp_path: Path, hypermodel: Any, arguments: dict[str, Any]
) -> None:
    made = make(Made)
    made.search(verbose=0)
    before = rows(tmp_path)
    look = make(hypermodel=hypermodel, **arguments)
    look.reload()
    look.results_summary()
    look.search_space_summary()
    found = look.get_best_hyperparameters(3)
    assert [each.values for each in found] == [each.values for each in made.get_best_hyperparameters(3)]
    assert [each.name for each in found[0].space] == ["kind", "depth", "x"]
    assert look.oracle.objective.name == "val_loss"
    assert [trial.score for trial in look.oracle.get_best_trials(3)] == sorted(
        each.values["x"] for each in found
    )
    assert look.oracle.start_order == look.oracle.end_order == ["0", "1", "2"]
    assert rows(tmp_path) == before


def test_a_script_that_would_search_otherwise_may_look_and_is_refused_when_it_searches(
    make: Make, tmp_path: Path
) -> None:
    make(Made).search(verbose=0)
    before = rows(tmp_path)
    other = make(Made, sampler="random", max_trials=4)
    assert len(other.get_best_hyperparameters(3)) == 3
    with pytest.raises(
        StudyConflictError,
        match=r'sampler.name: "TPESampler" in the study, "RandomSampler" in the script.*overwrite=True',
    ) as refused:
        other.search(verbose=0)
    assert refused.value.__cause__ is None
    assert rows(tmp_path) == before


def test_a_search_is_not_ranked_by_what_its_trials_were_not_judged_by(make: Make) -> None:
    make(Made).search(verbose=0)
    with pytest.raises(StudyConflictError, match='"val_loss" in the study, "val_accuracy" in the script'):
        make(Made, objective="val_accuracy")


def test_a_search_needs_a_model_even_where_a_look_does_not(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UserCodeError, match="Received `hypermodel=None`: give a HyperModel"):
        make(hypermodel=None)
    assert list(tmp_path.iterdir()) == []
    make(Made).search(verbose=0)
    with pytest.raises(UserCodeError, match="Received `hypermodel=None`: give a HyperModel"):
        make(hypermodel=None, max_trials=4).search(verbose=0)


def test_a_tuner_says_that_it_goes_on_with_a_search(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    def said() -> list[str]:
        return re.findall("Reloading Tuner from study done of .*", capsys.readouterr().out)

    make(Made, max_trials=2)
    assert said() == []
    first = make(Made, max_trials=2)
    assert said() == []  # nothing has been searched
    first.search(verbose=0)
    assert said() == []
    make(Made, max_trials=2)
    (line,) = said()
    assert line.endswith("studies.db: 2 of 2 trials have ended.")


def test_trials_are_ordered_by_their_ends_too(make: Make) -> None:
    class Breaks(Made):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            if trial.trial_id == "1" and not getattr(self, "again", False):
                self.again = True
                raise KeyboardInterrupt
            if trial.trial_id == "1":
                raise keras_tuner.errors.FailedTrialError("not this one")
            return super().run_trial(trial)

    tuner = make(Breaks)
    with pytest.raises(KeyboardInterrupt):
        tuner.search(verbose=0)
    assert tuner.oracle.end_order == ["0"]
    tuner.search(verbose=0)
    assert tuner.oracle.end_order == ["0", "1", "2"]
    assert set(tuner.oracle.start_order) == {"0", "1", "2"}


def test_results_are_read_where_the_artifact_store_is_gone_and_the_models_are_not(
    make: Make, tmp_path: Path
) -> None:
    make(Made).search(verbose=0)
    (tmp_path / "artifacts").rename(tmp_path / "elsewhere")
    look = make()
    assert len(look.get_best_hyperparameters(3)) == 3
    with pytest.raises(RuntimeError, match="are gone: .*change the `project_name` or pass `overwrite=True`"):
        look.oracle.models  # noqa: B018 - what loads models asks for
    with pytest.raises(StudyConflictError, match="not the one that this study's other workers use"):
        make(Made).search(verbose=0)
    assert not (tmp_path / "artifacts").exists()


def test_overwriting_removes_the_projects_folder_that_came_with_it(make: Make, tmp_path: Path) -> None:
    first = make(Made)
    old = Path(first.project_dir) / "logs" / "events"
    old.parent.mkdir(parents=True)
    old.touch()
    make(Made)
    assert old.is_file()
    make(Made, overwrite=True)
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("inside", [None, "storage", "artifacts"])
def test_overwriting_leaves_a_folder_that_holds_other_things(
    make: Make, tmp_path: Path, inside: str | None
) -> None:
    folder = tmp_path / "done"
    places = {"storage": f"sqlite:///{folder}/studies.db", "artifacts": folder / "files"}
    given = {} if inside is None else {inside: places[inside]}
    mine = folder / "mine"
    if inside is None:
        folder.mkdir()
        mine.touch()
    make(Made, **given)
    mine.parent.mkdir(exist_ok=True)
    mine.touch()
    make(Made, overwrite=True, **given)
    assert mine.is_file()


def test_code_that_asks_for_more_by_now_gets_the_defaults_of_what_a_trial_was_not_asked_for(
    make: Make,
) -> None:
    make(Made, max_trials=2).search(verbose=0)

    def wider(hp: Any) -> Any:
        return hp.Choice("kind", ["plain", "deep"]), hp.Int("width", 3, 9)

    class Wider(Made):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            self.hypermodel.build(trial.hyperparameters)
            return {"val_loss": 2.0}

    edited = make(Wider, wider, max_trials=3)
    edited.search(verbose=0)
    best = edited.get_best_hyperparameters()[0]
    assert "width" not in best.values
    assert edited.hypermodel.build(best) == (best.get("kind"), 3)
