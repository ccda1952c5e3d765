"""What the last commit before the modules moved has made is gone on with: its studies, bundle and server's
answers.
"""

import json
import re
import runpy
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import numpy as np
import optuna
import pytest
from click.testing import CliRunner

from studyhall.search.commands.group import cli
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.studies.database import attributes
from studyhall.studies.definition.signature import signature
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import load_definition
from tests.support.servers import Site

# They depend on when and where one asks.
MOMENTARY = {"at", "expired", "storage", "throughput", "workers"}

# Optuna's and its dashboard's, and what the training process calls the facts of its device's set-up.
OTHERS = re.compile("(artifacts|dashboard):.*|precision|xla|input|batches_per_execution")

Run = Callable[..., str]


@pytest.fixture
def folder(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the person's folder, in which the test is."""
    folder = tmp_path / "copied"
    shutil.copytree(repository / "tests" / "data" / "made_before", folder)
    with closing(sqlite3.connect(folder / "studies.db")) as database:
        database.executescript((folder / "studies.sql").read_text())
        database.execute("PRAGMA journal_mode = wal")
        # The lease of the worker that was killed is over, whatever this machine's clock says.
        database.execute("UPDATE studyhall_leases SET renewed_at = 0")
        database.commit()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in that folder; return what it printed."""
    monkeypatch.setenv("STUDYHALL_PLAIN", "1")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 0, done.output
        return done.output

    return run


def answered(folder: Path, name: str) -> Any:
    """What the server, or `studyhall status`, of that commit answered."""
    return json.loads((folder / "answers" / f"{name}.json").read_text())


def of_before(answer: Any, before: Any) -> Any:
    """The part of an answer that an answer of before has too, without what is momentary."""
    if isinstance(before, dict):
        return {key: of_before(answer[key], before[key]) for key in before if key not in MOMENTARY}
    if isinstance(before, list):
        return [of_before(*both) for both in zip(answer, before, strict=True)]
    return answer


def error_of(model: Any, folder: Path) -> float:
    """A model's mean squared error on the validation data."""
    _, (x, y) = runpy.run_path(f"{folder / 'my_model.py'}")["load"](32)
    return float(np.mean(np.square(np.asarray(model(x)) - y)))


def test_status_shows_the_studies(folder: Path, run: Run) -> None:
    before = answered(folder, "status")
    assert of_before(json.loads(run("status", "--json")), before) == of_before(before, before)
    assert "studies.db" in run("status")


def test_definitions_that_are_read_again_have_the_signatures_that_are_stored(folder: Path) -> None:
    storage = open_storage("sqlite:///studies.db", create=False)
    for name in ("finished", "waiting"):
        stored = storage.get_study_user_attrs(Study.open(storage, name).id)[attributes.SIGNATURE]
        assert signature(load_definition(folder / f"{name}.toml", {})) == stored
    storage.close()


def test_what_is_stored_has_the_same_names_today(folder: Path) -> None:
    names = {value for value in vars(attributes).values() if isinstance(value, str)}
    with closing(sqlite3.connect(folder / "studies.db")) as database:
        for owner in ("study_user", "study_system", "trial_user", "trial_system"):
            for (key,) in database.execute(f"SELECT DISTINCT key FROM {owner}_attributes"):
                prefixed = key.startswith((attributes.KEPT_MODEL_PREFIX, attributes.ANNOUNCED_PREFIX))
                assert key in names or prefixed or OTHERS.fullmatch(key), key


def test_bundle_is_fetched_byte_for_byte_and_its_model_has_the_recorded_error(folder: Path, run: Run) -> None:
    run("fetch", "finished", "--to", "fetched")
    names = {path.name for path in (folder / "bundle").iterdir()}
    assert names == {path.name for path in (folder / "fetched").iterdir()}
    for name in names:
        assert (folder / "fetched" / name).read_bytes() == (folder / "bundle" / name).read_bytes()
    manifest = json.loads((folder / "bundle" / "manifest.json").read_text())
    model = keras.models.load_model(folder / "fetched" / "model.keras")
    assert error_of(model, folder) == pytest.approx(manifest["metrics"]["validation"], rel=1e-4)


def test_search_of_a_finished_study_and_worker_of_an_empty_queue_start_no_training_process(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(TrainerProcess, "start", lambda self: started.append("started"))
    assert "The best model of finished is published" in run("search", "finished")
    run("worker", "finished")
    assert started == []


def test_fetch_of_a_scripts_study_names_what_its_script_can_do(folder: Path) -> None:
    refused = CliRunner().invoke(cli, ["fetch", "script", "--to", "x"]).exception
    assert "belongs to a script with a Tuner" in str(refused)
    assert "retrain" not in str(refused)


def test_study_of_plain_optuna_is_shown_and_what_cannot_be_done_with_it_is_said(
    folder: Path, run: Run
) -> None:
    study = optuna.create_study(storage="sqlite:///studies.db", study_name="my plain [study]")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert "my plain [study]" in run("status", "my plain [study]")
    for command, *arguments in (["search"], ["fetch", "--to", "x"], ["extend", "--trials", "1"], ["stop"]):
        refused = CliRunner().invoke(cli, [command, "my plain [study]", *arguments]).exception
        assert "was made by plain Optuna" in str(refused)
        assert "studyhall status 'my plain [study]'" in str(refused)


def test_figures_of_the_search_and_of_the_bundle_are_drawn(folder: Path, run: Run) -> None:
    run("figures", "finished", "--to", "search")
    run("figures", "bundle", "--to", "training")
    assert (folder / "search" / "optimisation.png").stat().st_size > 0
    assert (folder / "training" / "history.png").stat().st_size > 0


def test_server_answers_as_the_one_before_did_and_serves_page_and_model(folder: Path) -> None:
    shutil.copytree(folder / "artifacts", folder / "served" / "artifacts")
    site = Site(folder / "served", folder / "studies.db")
    asked = {
        "finished": "/api/studies/finished",
        "script": "/api/studies/script",
        "finished-trials": "/api/studies/finished/trials",
        "script-trials": "/api/studies/script/trials",
        "finished-best": "/api/studies/finished/best",
        "overview": "/api/overview",
    }
    try:
        for name, path in asked.items():
            answer, before = site.ask(path).json(), answered(folder, name)
            assert of_before(answer, before) == of_before(before, before), name
        page = site.ask("/studies/finished", Accept="text/html")
        assert page.status_code == 200
        assert "/studies/finished/best/model.keras" in page.text
        model = site.ask("/studies/finished/best/model.keras")
        assert model.content == (folder / "bundle" / "model.keras").read_bytes()
    finally:
        site.close()


def test_worker_goes_on_with_the_trials_that_wait_and_with_that_of_a_worker_that_was_killed(
    folder: Path, run: Run
) -> None:
    said = run("worker", "waiting.toml")
    (study,) = json.loads(run("status", "waiting", "--json"))["studies"]
    none = {"pruned": 0, "failed": 0, "running": 0, "waiting": 0, "paused": 0}
    assert study["counts"] == {"complete": 4} | none
    assert "trial 0: training" not in said  # it was complete


def test_a_script_goes_on_with_its_study_and_loads_the_best_model_of_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    tuner = runpy.run_path("script.py")["search"](Path(), 3)
    assert tuner.oracle.study.counts().complete == 3
    best = answered(folder, "script")["best"]
    trial = tuner.oracle.get_best_trials()[0]
    assert (int(trial.trial_id), trial.score) == (best["number"], best["value"])
    assert trial.hyperparameters.values == best["hyperparameters"]
    assert error_of(tuner.get_best_models()[0], folder) == pytest.approx(best["value"], rel=1e-4)
