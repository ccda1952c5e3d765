"""Exit statuses of real processes: 0 done, 1 failed, 2 wrong input, 130 and 143 interrupted; and what is left
then.
"""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Wait = Callable[["subprocess.Popen[str]", str], str]

SLOW_SEPARATOR = """
import os
import time
from pathlib import Path

import keras
from keras import layers


class Pause(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        time.sleep(float(os.environ.get("PAUSE", "0")))


def build(hp):
    model = keras.Sequential([layers.Input((32, 32, 1)), layers.Conv2D(hp.Int("filters", 2, 4), 3, padding="same")])
    model.add(layers.Conv2D(2, 1))
    if os.environ.get("HANG"):
        Path("building").touch()
        time.sleep(600)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="mse")
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, Pause()], **kwargs)
    return model
"""

STUDY = """
hypermodel = "slow_separator.py:build"
data = { source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }
search = { trials = 1, seed = 7 }
training = { epochs = 3, batch_size = 16, early_stopping = false }
retraining = { epochs = 3 }
"""


@pytest.fixture
def slow(project: Any) -> Any:
    """A project with one trial, whose epochs take PAUSE seconds, and which hangs in `build` with HANG."""
    project.write("slow_separator.py", SLOW_SEPARATOR)
    project.write("slow.toml", STUDY)
    project.environment |= {"KERAS_BACKEND": "jax"}  # its processes start in half the time of TensorFlow's
    return project


def interrupt(process: "subprocess.Popen[str]", number: int) -> str:
    """Send a signal, and return what the process prints until it has ended, in ten seconds at most."""
    process.send_signal(number)
    output, _ = process.communicate(timeout=10)
    return output


def await_file(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_search_that_a_signal_ends_in_any_phase_says_so_by_its_status_and_the_same_command_goes_on(
    slow: Any, wait_for_line: Wait
) -> None:
    files = sorted(slow.folder.iterdir())
    slow.environment |= {"HANG": "yes"}
    in_check = slow.start("search", "slow.toml")
    await_file(slow.folder / "building")
    output = interrupt(in_check, signal.SIGTERM)
    assert in_check.returncode == 143, output
    assert "Stopped; nothing is lost. Continue with:\n  studyhall search slow.toml" in output
    (slow.folder / "building").unlink()
    assert [path for path in sorted(slow.folder.iterdir()) if path.name != "__pycache__"] == files

    slow.environment |= {"HANG": "", "PAUSE": "1"}
    in_trial = slow.start("search", "slow.toml")
    wait_for_line(in_trial, "trial 0: epoch 1")
    output = interrupt(in_trial, signal.SIGINT)
    assert in_trial.returncode == 130, output
    assert "handed back" in output
    assert "Stopped; nothing is lost" in output

    in_retraining = slow.start("search", "slow.toml")
    wait_for_line(in_retraining, "retraining: epoch 1")
    output = interrupt(in_retraining, signal.SIGTERM)
    assert in_retraining.returncode == 143, output
    assert "Stopped; nothing is lost" in output

    slow.environment |= {"PAUSE": "0"}
    in_evaluation = slow.start("search", "slow.toml")
    wait_for_line(in_evaluation, "evaluating on the test split")
    output = interrupt(in_evaluation, signal.SIGINT)
    assert in_evaluation.returncode == 130, output
    assert "Stopped; nothing is lost" in output
    assert "published" not in output
    fetched = slow.run("fetch", "slow", "--to", "best")
    assert fetched.returncode == 2
    assert "published nothing yet" in fetched.stdout

    goes_on = slow.run("search", "slow.toml")
    assert goes_on.returncode == 0, goes_on.stdout
    assert slow.run("fetch", "slow", "--to", "best").returncode == 0
    assert not [path for path in slow.folder.glob("**/*") if path.name.endswith(".part")]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_check_that_a_signal_ends_leaves_no_process(slow: Any, number: int, status: int) -> None:
    slow.environment |= {"HANG": "yes"}
    check = slow.start("check", "slow.toml")
    await_file(slow.folder / "building")
    output = interrupt(check, number)  # its pipe ends when the last process that writes to it has ended
    assert (check.returncode, output.strip()) == (status, "Interrupted.")


@pytest.mark.parametrize(("workers", "status"), [(["--workers", "2"], 143), (["--stopped-status", "75"], 75)])
def test_a_worker_that_sigterm_ends_says_so_by_its_signals_status_or_the_one_that_was_asked_for(
    slow: Any, wait_for_line: Wait, workers: list[str], status: int
) -> None:
    slow.environment |= {"PAUSE": "1"}
    worker = slow.start("worker", "slow.toml", "--gpus", "none", *workers)
    wait_for_line(worker, "trial 0: epoch 1")
    output = interrupt(worker, signal.SIGTERM)
    assert worker.returncode == status, output
    assert "handed back" in output


def test_a_search_that_another_command_stops_has_not_done_its_work_and_a_worker_has(
    slow: Any, wait_for_line: Wait
) -> None:
    slow.write("slow.toml", STUDY.replace("epochs = 3, batch", "epochs = 500, batch"))
    slow.environment |= {"PAUSE": "0.5"}
    search = slow.start("search", "slow.toml")
    wait_for_line(search, "trial 0: epoch 1")
    worker = slow.start("worker", "slow.toml")
    assert slow.run("stop", "slow").returncode == 0
    output, _ = search.communicate(timeout=60)
    assert search.returncode == 1, output
    assert "Stopped; nothing is lost" in output
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output


def test_a_search_whose_hours_are_over_publishes_what_it_has(project: Any) -> None:
    study = project.write_study(trials=1000, epochs=1)
    project.environment |= {"KERAS_BACKEND": "jax"}
    text = study.read_text()
    study.write_text(text.replace("seed = 7", "seed = 7, hours = 0.004"))
    searched = project.run("search", "cheap.toml")
    assert searched.returncode == 0, searched.stdout
    assert "The search ends: 0.004 hour is over" in searched.stdout
    assert "published the" in searched.stdout
