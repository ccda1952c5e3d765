"""Nobody loses their history: earlier studies, CSV files and KerasTuner's own project directories."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from optuna.trial import TrialState

from studyhall.search import Tuner
from studyhall.search.actions.enqueue import enqueue_and_show, rows, typed
from studyhall.search.actions.import_kerastuner import import_project
from studyhall.search.training.warm_start import misfit
from studyhall.search.tuner.kerastuner_project import read_project
from studyhall.studies.errors import DefinitionError, StudyNotFoundError
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.reference import StudyReference


def parabola(hp: Any) -> float:
    """A search space with every kind of hyperparameter, and its objective."""
    hp.Fixed("always", 7)
    loss: float = (hp.Float("x", -2.0, 2.0, step=0.1) - 1) ** 2 + hp.Int("k", 1, 64, sampling="log")
    if hp.Choice("kind", ["plain", "extra"]) == "extra":
        with hp.conditional_scope("kind", ["extra"]):
            loss += hp.Float("more", 0.1, 1.0, sampling="log") + hp.Boolean("flag")
    return loss


class OldSearch(keras_tuner.RandomSearch):  # type: ignore[misc]
    """What a person has run with KerasTuner so far; one of its trials failed."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        value = parabola(trial.hyperparameters)
        if trial.trial_id == "2":
            raise keras_tuner.errors.FailedTrialError("too large")
        return {"val_loss": value, "val_accuracy": 1 / (1 + value)}


class NewSearch(Tuner):
    """The same with one line changed."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        value = parabola(trial.hyperparameters)
        return {"val_loss": value, "val_accuracy": 1 / (1 + value)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project directory that KerasTuner wrote."""
    old = OldSearch(
        objective="val_loss", max_trials=6, seed=3, directory=str(tmp_path), project_name="old project"
    )
    old.search(verbose=0)
    return tmp_path / "old project"


def reference(folder: Path, name: str) -> StudyReference:
    """A study of that name in a database of the test's own."""
    return StudyReference(name, f"sqlite:///{folder}/studies.db", None)


def test_kerastuners_project_becomes_a_study_of_finished_trials(project: Path, tmp_path: Path) -> None:
    done = import_project(read_project(project), reference(tmp_path, "old"))
    assert (done.complete, done.failed, done.left_out) == (5, 1, {})
    study = Study.open(open_storage(f"sqlite:///{tmp_path}/studies.db", create=False), "old")
    assert study.definition.metrics == ("val_loss",)
    trials = study.optuna().get_trials()
    assert study.counts().waiting == 0
    for number, trial in enumerate(trials):
        state = json.loads((project / f"trial_{number}" / "trial.json").read_text())
        facts = trial.user_attrs
        recorded = facts["hyperparameters"] | facts["fixed_hyperparameters"]
        assert recorded == state["hyperparameters"]["values"]
        if state["score"] is not None:
            assert trial.values == [state["score"]]
            assert trial.params["x"] == pytest.approx(recorded["x"])
            assert ("more [kind=extra]" in trial.params) == (recorded["kind"] == "extra")
    assert trials[2].state is TrialState.FAIL
    assert "too large" in trials[2].user_attrs["reason"]


def test_a_trial_whose_objective_is_nan_is_imported_as_failed_and_says_why(
    project: Path, tmp_path: Path
) -> None:
    path = project / "trial_3" / "trial.json"
    state = json.loads(path.read_text())
    state["score"] = state["metrics"]["metrics"]["val_loss"]["observations"][0]["value"][0] = float("nan")
    path.write_text(json.dumps(state))
    done = import_project(read_project(project), reference(tmp_path, "old"))
    assert (done.complete, done.failed, done.left_out) == (4, 2, {})
    trials = (
        Study.open(open_storage(f"sqlite:///{tmp_path}/studies.db", create=False), "old")
        .optuna()
        .get_trials()
    )
    assert trials[3].state is TrialState.FAIL
    assert trials[3].user_attrs["reason"] == "its objective is nan"
    assert trials[3].user_attrs["metrics"]["val_loss"] is None


def test_the_command_that_imports_prints_what_it_did_and_nothing_of_tensorflows(
    project: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "studyhall.search", "import", str(project), "old"]
    done = subprocess.run(
        [*command, "--storage", f"sqlite:///{tmp_path}/studies.db"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("old has 5 complete and 1 failed trials of ")
    assert len(done.stdout.splitlines()) == 2


def test_importing_twice_adds_nothing(project: Path, tmp_path: Path) -> None:
    import_project(read_project(project), reference(tmp_path, "old"))
    again = import_project(read_project(project), reference(tmp_path, "old"))
    assert (again.complete, again.failed) == (0, 0)
    assert again.left_out == {"they are in the study already": 6}


def test_a_study_that_is_there_learns_from_an_imported_project(project: Path, tmp_path: Path) -> None:
    tuner = NewSearch(objective="val_accuracy", max_trials=2, directory=tmp_path, study_name="new")
    done = import_project(read_project(project), reference(tmp_path, "new"))
    assert done.complete == 5  # by the metric that the study is about
    tuner.search(verbose=0)
    assert tuner.oracle.study.counts().complete == 7
    best = max(trial.values[0] for trial in tuner.oracle.study.optuna().get_trials() if trial.values)
    assert tuner.oracle.get_best_trials()[0].score == best


class Kinds(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel that knows less of the space than `run_trial` does."""

    def build(self, hp: Any) -> Any:
        return hp.Choice("kind", ["plain", "extra"])


@pytest.mark.parametrize("hypermodel", [None, Kinds()])
def test_a_new_search_begins_with_the_best_of_an_earlier_one(
    project: Path, tmp_path: Path, hypermodel: Any
) -> None:
    done = import_project(read_project(project), reference(tmp_path, "old"))
    tuner = NewSearch(
        hypermodel,
        objective="val_loss",
        max_trials=6,
        directory=tmp_path,
        study_name="new",
        from_study=["old"],
    )
    tuner.search(verbose=0)
    old = Study.open(tuner.oracle.study.storage, done.study).optuna()
    complete = sorted(
        (trial for trial in old.get_trials() if trial.values), key=lambda trial: trial.values[0]
    )
    trials = tuner.oracle.study.optuna().get_trials()
    assert [trial.values[0] for trial in trials[1:4]] == pytest.approx(
        [each.values[0] for each in complete[:3]]
    )


def test_an_earlier_study_that_is_not_there_is_refused(tmp_path: Path) -> None:
    NewSearch(objective="val_loss", directory=tmp_path, study_name="one")
    with pytest.raises(StudyNotFoundError, match="No study 'owl'.*It holds: one"):
        NewSearch(objective="val_loss", directory=tmp_path, study_name="two", from_study=["owl"])


def test_a_configuration_that_a_hypermodel_cannot_build_is_known_with_its_reason() -> None:
    class Space(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> float:
            return parabola(hp)

    assert misfit(Space(), {"x": 0.5, "kind": "extra", "more": 0.5}) is None
    assert "its values are numbers from -2.0" in str(misfit(Space(), {"x": 3.0}))
    assert str(misfit(Space(), {"y": 3.0})).startswith("the HyperModel has no y; there is always, x, k, kind")
    assert misfit(Space(), {"always": 8}) is not None


def test_rows_of_a_csv_file_become_trials_in_their_order(tmp_path: Path, capsys: Any) -> None:
    tuner = NewSearch(objective="val_loss", max_trials=1, directory=tmp_path, study_name="new")
    tuner.search(verbose=0)
    table = tmp_path / "good.csv"
    table.write_text("x,k,kind\n0.5,8,plain\n1.0,,extra\n\n")
    enqueue_and_show(reference(tmp_path, "new"), ["x=-1.5"], table)
    assert "trial 1 tries x=-1.5" in capsys.readouterr().out
    again = NewSearch(objective="val_loss", max_trials=1, directory=tmp_path, study_name="new")
    assert again.remaining_trials == 3
    again.search(verbose=0)
    params = [trial.params for trial in again.oracle.study.optuna().get_trials()]
    assert params[1]["x"] == -1.5
    assert params[2]["x"] == 0.5
    assert (params[2]["k"], params[2]["kind"]) == (8, "plain")
    assert (params[3]["x"], params[3]["kind"]) == (1.0, "extra")


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("1e-3", 0.001), ("True", True), ("relu", "relu"), ('"3"', "3")],
)
def test_cells_mean_what_they_look_like(text: str, value: Any) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "must begin with a row of different hyperparameter names"),
        ("x,x\n1,2\n", "different hyperparameter names"),
        ("x,k\n1\n", "row 2: 1 cells under 2 names"),
    ],
)
def test_a_csv_file_that_is_no_table_is_refused(tmp_path: Path, text: str, wanted: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DefinitionError, match=wanted):
        list(rows(path))


def test_a_folder_that_is_no_project_is_refused(project: Path, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="has no oracle.json: name KerasTuner's project directory"):
        read_project(tmp_path)
    (project / "trial_0" / "trial.json").write_text("{")
    with pytest.raises(DefinitionError, match="trial.json is damaged"):
        read_project(project)
    (project / "trial_0" / "trial.json").write_text("{}")
    with pytest.raises(DefinitionError, match="is not what KerasTuner 1.4 writes"):
        read_project(project)
