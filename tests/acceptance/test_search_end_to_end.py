"""The main job, as a person does it: a study file in, a published model out."""

import json
import signal
import subprocess
from collections.abc import Callable
from typing import Any
from zipfile import ZipFile, is_zipfile

import numpy as np
import pytest
from PIL import Image


def status(project: Any, study: str = "cheap") -> dict[str, Any]:
    answer = project.run("status", study, "--json")
    assert answer.returncode == 0, answer.stdout
    record: dict[str, Any] = json.loads(answer.stdout)["studies"][0]
    return record


def test_a_search_publishes_a_model_that_can_be_fetched_evaluated_and_used_and_again_trains_nothing(
    project: Any,
) -> None:
    project.write_study(trials=2, separates=True)
    searched = project.run("search", "cheap.toml")
    assert searched.returncode == 0, searched.stdout
    assert "studyhall fetch cheap" in searched.stdout
    assert "oneDNN" not in searched.stdout
    assert "absl" not in searched.stdout

    counts = status(project)["counts"]
    assert (counts["waiting"], counts["running"], counts["failed"]) == (0, 0, 0)
    assert counts["complete"] + counts["pruned"] == 2

    fetched = project.run("fetch", "cheap", "--to", "best")
    assert fetched.returncode == 0, fetched.stdout
    best = project.folder / "best"
    assert {"model.keras", "history.json", "manifest.json"} <= {path.name for path in best.iterdir()}
    manifest = json.loads((best / "manifest.json").read_text())
    assert manifest["hyperparameters"].keys() == {"filters", "learning_rate"}
    history = json.loads((best / "history.json").read_text())
    assert len(history["val_loss"]) == 2
    assert min(history["val_loss"]) == pytest.approx(manifest["metrics"]["validation"])

    evaluated = project.run("evaluate", "best", "--rounds", "2", "--samples", "50", "--json", "score.json")
    assert evaluated.returncode == 0, evaluated.stdout
    score = json.loads((project.folder / "score.json").read_text())
    assert score["joint"]["mean"] == pytest.approx((score["digit"]["mean"] + score["item"]["mean"]) / 2)

    Image.fromarray(np.full((28, 28), 90, np.uint8)).save(project.folder / "grey.png")
    predicted = project.run("predict", "best", "grey.png", "--to", "out")
    assert predicted.returncode == 0, predicted.stdout
    assert {path.name for path in (project.folder / "out").iterdir()} == {"grey.digit.png", "grey.item.png"}

    again = project.run("search", "cheap.toml")
    assert again.returncode == 0, again.stdout
    assert "epoch" not in again.stdout
    assert "studyhall fetch cheap" in again.stdout


def test_a_stopped_search_leaves_a_whole_study_and_goes_on_from_there(
    project: Any, wait_for_line: Callable[["subprocess.Popen[str]", str], str]
) -> None:
    project.write_study(trials=2, epochs=400, training=", early_stopping = { patience = 500 }")
    for number, begin in ((signal.SIGINT, "trial 0: epoch 2"), (signal.SIGTERM, "trial 0: epoch")):
        process = project.start("search", "cheap.toml")
        wait_for_line(process, begin)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 128 + number
        assert "handed back" in output
        assert "studyhall search cheap.toml" in output
        assert "Traceback" not in output
        counts = status(project)["counts"]
        assert (counts["waiting"], counts["running"], counts["failed"]) == (2, 0, 0)


def test_four_workers_on_one_sqlite_study_finish_exactly_its_trials(project: Any) -> None:
    project.write_study(trials=40, epochs=1)
    workers = [project.start("worker", "cheap.toml") for _ in range(4)]
    outputs = [worker.communicate(timeout=400)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0], "\n".join(outputs)
    assert "Error" not in "".join(outputs)
    counts = status(project)["counts"]
    assert counts["complete"] + counts["pruned"] == 40
    assert counts["waiting"] + counts["running"] + counts["failed"] == 0
    claimed = [
        line.split(":")[0] for output in outputs for line in output.splitlines() if "training for" in line
    ]
    assert sorted(claimed) == sorted(f"trial {number}" for number in range(40))


def test_the_same_definition_and_seed_give_the_same_weights_on_one_thread(project: Any) -> None:
    project.write_study(trials=1, epochs=2, separates=True)
    project.environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    weights = []
    for run in ("one", "two"):
        options = ("--storage", f"sqlite:///{run}.db", "--artifacts", run)
        worked = project.run("worker", "cheap.toml", *options)
        assert worked.returncode == 0, worked.stdout
        (model,) = [path for path in (project.folder / run).iterdir() if is_zipfile(path)]
        with ZipFile(model) as files:
            weights.append(files.read("model.weights.h5"))
    assert weights[0] == weights[1]
