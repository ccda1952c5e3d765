"""What acceptance tests share: a person's project folder, and the installed `studyhall` command run in it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

CHEAP_MODEL = '''
import keras
import numpy as np


def build(hp):
    """One layer, and nothing is compiled: about the cheapest trial that there is."""
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-4)
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse", run_eagerly=True)
    return model


def load():
    """Points in the plane and their sums; of data that are a user's own, no separation is evaluated."""
    x = np.random.default_rng(0).normal(size=(48, 2)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    return (x[:32], y[:32]), (x[32:], y[32:])
'''

SEPARATOR = '''
import keras
from keras import layers


def build(hp):
    """Two convolutions: about the cheapest model that separates at all."""
    filters = hp.Int("filters", 1, 4, default=1)
    model = keras.Sequential([
        layers.Input((32, 32, 1)),
        layers.Conv2D(filters, 3, padding="same", activation="relu"),
        layers.Conv2D(2, 1),
    ])
    model.compile(optimizer=keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-4)), loss="mse")
    return model
'''

CHEAP_EXAMPLES = """
hypermodel = "cheap_model.py:build"
data = "cheap_model.py:load"
"""

SEPARATION_EXAMPLES = """
hypermodel = "separator.py:build"
data = { source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }
"""

STUDY = """
search = {{ trials = {trials}, seed = 7 }}
training = {{ epochs = {epochs}, batch_size = 16{training} }}
retraining = {{ epochs = 2 }}
"""


class Project:
    """A folder with a study file and a HyperModel, as a person has it; its path has spaces and more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
        self._started: list[subprocess.Popen[str]] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def write_study(
        self, *, trials: int = 3, epochs: int = 2, training: str = "", separates: bool = False
    ) -> Path:
        """Write `cheap.toml`, a study of the cheap model, or of one that separates synthetic mixtures."""
        settings = STUDY.format(trials=trials, epochs=epochs, training=training)
        return self.write("cheap.toml", (SEPARATION_EXAMPLES if separates else CHEAP_EXAMPLES) + settings)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `studyhall` in the folder, with both outputs in one pipe."""
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("studyhall")), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End what still runs, as after a test that failed."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def run(self, *arguments: str, timeout: float = 240) -> "subprocess.CompletedProcess[str]":
        """Run `studyhall` in the folder to its end; `stdout` holds both outputs."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(arguments, process.returncode, output, "")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A person's project, in a folder with a hostile name."""
    folder = tmp_path / "Jo's café {1} 100%"
    folder.mkdir()
    project = Project(folder)
    project.write("cheap_model.py", CHEAP_MODEL)
    project.write("separator.py", SEPARATOR)
    yield project
    project.end()


@pytest.fixture
def wait_for_line() -> Callable[["subprocess.Popen[str]", str], str]:
    """Read a process's output until a line holds a text; fail with what was read where it ends before."""

    def wait(process: "subprocess.Popen[str]", text: str) -> str:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never printed:\n{''.join(seen)}")

    return wait


@pytest.fixture(scope="session")
def train_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Any], dict[str, Any]]]:
    """Do a `by_hand.Work` with plain Keras, in a process that knows nothing of Studyhall."""
    with subprocess.Popen(
        [sys.executable, "-I", str(Path(__file__).with_name("by_hand.py"))],
        cwd=tmp_path_factory.mktemp("by-hand"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def ask(work: Any) -> dict[str, Any]:
            questions.write(json.dumps(asdict(work)) + "\n")
            questions.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            assert "error" not in answer, answer["error"]
            assert not answer["studyhall"]
            return answer

        yield ask
