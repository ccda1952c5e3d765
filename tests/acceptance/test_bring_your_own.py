"""A person's own model and data, from the example project to a published model and the trade-off of two
objectives.
"""

import json
from typing import Any

MODEL_THAT_FAILS = """
import keras
from helper import explode   # a module of the user's own, beside the file


def build(hp):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 1, 9, default=2))])
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    if hp.Boolean("broken", default=False):
        explode()
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    return model
"""

TRADE_OFF = """
hypermodel = "my_model.py:build"
data = { source = "my_data.py:load", arguments = { points = 64 } }
search = { trials = 3 }
training = { epochs = 1 }
retraining = { epochs = 1 }
enqueue = [{ broken = true }]

[[objective]]
metric = "val_loss"

[[objective]]
metric = "parameters"
"""


def test_the_example_project_is_checked_and_searched_as_it_is_written(project: Any) -> None:
    written = project.run("init", "my study")
    assert written.returncode == 0, written.stdout
    assert "studyhall check study.toml" in written.stdout
    project.folder /= "my study"
    checked = project.run("check", "study.toml")
    assert checked.returncode == 0, checked.stdout
    for said in (
        "float32 (600, 2)",
        "val_accuracy, maximize",
        "learning_rate",
        "1,185 parameters",
        "Nothing was queued",
    ):
        assert said in checked.stdout
    assert not (project.folder / "studies.db").exists()
    text = (project.folder / "study.toml").read_text()
    (project.folder / "study.toml").write_text(
        text.replace("trials = 8", "trials = 2")
        .replace("epochs = 8", "epochs = 1")
        .replace("epochs = 24", "epochs = 2")
    )
    searched = project.run("search", "study.toml")
    assert searched.returncode == 0, searched.stdout
    assert project.run("fetch", "spirals", "--to", "best").returncode == 0
    manifest = json.loads((project.folder / "best" / "manifest.json").read_text())
    assert manifest["data_fingerprint"].startswith("sha256:")
    again = project.run("init", ".")
    assert again.returncode == 2
    assert "is not empty" in again.stdout


def test_two_objectives_have_a_front_and_an_error_of_the_users_code_shows_its_lines(project: Any) -> None:
    project.run("init", "mine")
    project.folder /= "mine"
    project.write("my_model.py", MODEL_THAT_FAILS)
    project.write("helper.py", "def explode():\n    raise RuntimeError('as broken as can be')\n")
    project.write("trade.toml", TRADE_OFF)
    searched = project.run("search", "trade.toml")
    assert searched.returncode == 0, searched.stdout
    assert "RuntimeError: as broken as can be" in searched.stdout
    assert "(helper.py, line 2)" in searched.stdout
    assert "site-packages" not in searched.stdout
    shown = project.run("status", "trade")
    assert "Pareto front of trade" in shown.stdout
    record = json.loads(project.run("status", "trade", "--json").stdout)["studies"][0]
    front = [trial["values"] for trial in record["front"]]
    assert front == sorted(front)
    assert all(len(values) == 2 for values in front)
    warm = TRADE_OFF.replace("enqueue = [{ broken = true }]", 'from_study = ["trade"]')
    project.write("warm.toml", warm)
    begun = project.run("worker", "warm.toml")
    assert begun.returncode == 0, begun.stdout
    assert "configurations of earlier studies" in begun.stdout
    queued = project.run("enqueue", "warm", "units=3", "broken=false")
    assert "trial 3 tries units=3, broken=False" in queued.stdout, queued.stdout
    refused = project.run("enqueue", "warm", "units=99")
    assert refused.returncode == 2
    assert "its values are integers from 1 to 9" in refused.stdout


FOUR = """
import keras
import numpy as np


def build(hp):
    units, rate = hp.Choice("units", [2, 4]), hp.Choice("rate", [0.01, 0.1])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
    return model


def load():
    x = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
    return (x, x[:, :1]), (x, x[:, :1])
"""

FOUR_STUDY = """
hypermodel = "four.py:build"
data = "four.py:load"
search = { trials = 9 }
pruner = "none"
training = { epochs = 1 }
retraining = { epochs = 1 }
"""


def test_a_search_ends_and_publishes_when_all_of_its_space_was_tried(project: Any) -> None:
    project.write("four.py", FOUR)
    project.write("four.toml", FOUR_STUDY)
    searched = project.run("search", "four.toml", "--workers", "2")
    assert searched.returncode == 0, searched.stdout
    assert "All 4 configurations were tried; 5 waiting trials are withdrawn" in searched.stdout
    status = json.loads(project.run("status", "four", "--json").stdout)["studies"][0]
    assert (status["counts"]["complete"], status["counts"]["waiting"], status["counts"]["failed"]) == (
        4,
        0,
        0,
    )
    assert status["exhausted"] == {"configurations": 4, "withdrawn": 5}
    assert project.run("fetch", "four", "--to", "best").returncode == 0
