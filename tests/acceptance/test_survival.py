"""Trials survive their worker: killed, stopped, frozen or starved workers lose nothing and repeat nothing."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

Wait = Callable[["subprocess.Popen[str]", str], str]

SLOW_MODEL = """
import time

import keras
from keras import layers


class Pause(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        time.sleep(0.3)


def build(hp):
    hp.Int("filters", 1, 4)
    model = keras.Sequential([layers.Input((32, 32, 1)), layers.Conv2D(2, 1)])
    model.compile(optimizer=keras.optimizers.SGD(1e-2, momentum=0.9), loss="mse")
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, Pause()], **kwargs)
    return model
"""

SLOW_STUDY = """
hypermodel = "slow_model.py:build"
data = {{ source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }}
search = {{ trials = {trials}, seed = 7 }}
pruner = "none"
training = {{ epochs = {epochs}, batch_size = 16, early_stopping = false, reduce_learning_rate = false }}
retraining = {{ epochs = 1 }}
"""


@pytest.fixture
def slow(project: Any) -> Any:
    """A project whose epochs take a third of a second, with leases of three seconds."""
    project.write("slow_model.py", SLOW_MODEL)
    project.environment["STUDYHALL_LEASE_SECONDS"] = "3"
    return project


def trials(project: Any, name: str) -> list[optuna.trial.FrozenTrial]:
    """The study's trials, read by Optuna itself."""
    path = (project.folder / "studies.db").as_uri().removeprefix("file://")
    storage = optuna.storages.RDBStorage(
        f"sqlite:///file:{path}?uri=true".replace("{", "{{").replace("}", "}}")
    )
    try:
        return optuna.load_study(study_name=name, storage=storage).get_trials()
    finally:
        storage.engine.dispose()


def trained(output: str, number: int = 0) -> list[int]:
    """The epochs of a trial that a worker's output tells of."""
    return [int(epoch) for epoch in re.findall(rf"trial {number}: epoch (\d+):", output)]


def finish(process: "subprocess.Popen[str]", timeout: float = 120) -> str:
    output, _ = process.communicate(timeout=timeout)
    return output


def test_a_killed_workers_trial_goes_on_at_its_next_epoch_on_another(slow: Any, wait_for_line: Wait) -> None:
    slow.write("slow.toml", SLOW_STUDY.format(trials=1, epochs=12))
    first = slow.start("worker", "slow.toml")
    wait_for_line(first, "trial 0: epoch 4")
    first.kill()
    before = [4, *trained(finish(first))]

    second = slow.run("search", "slow.toml")
    assert second.returncode == 0, second.stdout
    assert "trial 0: training for up to 12 epochs, continued after epoch" in second.stdout
    after = trained(second.stdout)
    assert after == list(range(after[0], 13))
    assert after[0] >= before[-1], "more than one epoch was trained twice"
    (trial,) = trials(slow, "slow")
    assert sorted(trial.intermediate_values) == list(range(1, 13))


def test_a_stopped_worker_hands_its_trial_back_with_its_epochs(slow: Any, wait_for_line: Wait) -> None:
    slow.write("slow.toml", SLOW_STUDY.format(trials=1, epochs=12))
    first = slow.start("worker", "slow.toml")
    wait_for_line(first, "trial 0: epoch 3")
    asked = time.monotonic()
    first.send_signal(signal.SIGTERM)
    output = finish(first, 20)
    assert time.monotonic() - asked < 10
    assert first.returncode == 0
    assert "handed back" in output
    last = max([3, *trained(output)])

    second = slow.run("worker", "slow.toml")
    assert trained(second.stdout) == list(range(last + 1, 13))


def test_a_killed_training_process_costs_its_trial_at_most_an_epoch(slow: Any, wait_for_line: Wait) -> None:
    slow.write("slow.toml", SLOW_STUDY.format(trials=2, epochs=8))
    worker = slow.start("worker", "slow.toml")
    wait_for_line(worker, "trial 0: epoch 3")
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    output = finish(worker)
    assert worker.returncode == 0, output
    assert "interrupted" in output
    epochs = trained(output)
    assert set(range(5, 9)) <= set(epochs)
    assert len(epochs) == len(set(epochs)) or len(epochs) == len(set(epochs)) + 1
    assert [trial.state for trial in trials(slow, "slow")] == [optuna.trial.TrialState.COMPLETE] * 2


def test_the_training_process_ends_with_its_worker_however_that_ended(slow: Any, wait_for_line: Wait) -> None:
    slow.write("slow.toml", SLOW_STUDY.format(trials=1, epochs=50))
    worker = slow.start("worker", "slow.toml")
    wait_for_line(worker, "trial 0: epoch 1")
    (child,) = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    gone = os.pidfd_open(int(child))
    worker.kill()
    finish(worker)
    import select

    readable, _, _ = select.select([gone], [], [], 10)
    os.close(gone)
    assert readable, "the training process outlived its worker"


def test_a_worker_that_was_frozen_past_its_lease_drops_its_trial_quietly(
    slow: Any, wait_for_line: Wait
) -> None:
    slow.write("slow.toml", SLOW_STUDY.format(trials=1, epochs=12))
    frozen = slow.start("worker", "slow.toml")
    wait_for_line(frozen, "trial 0: epoch 2")
    os.kill(frozen.pid, signal.SIGSTOP)
    other = slow.start("search", "slow.toml")
    wait_for_line(other, "continued after epoch")
    os.kill(frozen.pid, signal.SIGCONT)
    output = finish(other)
    assert other.returncode == 0, output
    left = finish(frozen)
    assert frozen.returncode == 0, left
    assert "Traceback" not in left
    assert "dropped" in left
    (trial,) = trials(slow, "slow")
    assert trial.state is optuna.trial.TrialState.COMPLETE
    assert sorted(trial.intermediate_values) == list(range(1, 13))


BAD_MODEL = """
import ctypes
import time

import keras
import numpy as np
from keras import layers


class Misbehave(keras.callbacks.Callback):
    def __init__(self, how):
        super().__init__()
        self.how = how

    def on_train_batch_begin(self, batch, logs=None):
        if self.how == "memory":
            hoard = []
            while True:
                hoard.append(np.ones(8_000_000))
        if self.how == "sleep":
            time.sleep(3600)
        if self.how == "segfault":
            ctypes.string_at(0)


def build(hp):
    how = hp.Choice("how", ["well", "memory", "nan", "sleep", "segfault"])
    model = keras.Sequential([layers.Input((32, 32, 1)), layers.Conv2D(2, 1)])
    model.compile(optimizer=keras.optimizers.SGD(1e30 if how == "nan" else 1e-2), loss="mse")
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, Misbehave(how)], **kwargs)
    return model
"""


def test_each_misbehaving_trial_ends_as_its_kind_and_the_next_one_runs(project: Any) -> None:
    project.write("bad_model.py", BAD_MODEL)
    project.write(
        "bad.toml",
        """
hypermodel = "bad_model.py:build"
data = { source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }
search = { trials = 6 }
training = { epochs = 1, batch_size = 16 }
enqueue = [{ how = "memory" }, { how = "nan" }, { how = "sleep" }, { how = "segfault" }, { how = "well" }]
""",
    )
    project.environment |= {"STUDYHALL_STALL_SECONDS": "10", "STUDYHALL_MEMORY_LIMIT": "3"}
    worker = project.run("worker", "bad.toml")
    assert worker.returncode == 0, worker.stdout
    assert "Traceback" not in worker.stdout
    status = json.loads(project.run("status", "bad", "--json").stdout)["studies"][0]
    assert status["failures"] == {"oom": 1, "nan": 1, "stalled": 1, "crashed": 1}
    assert status["counts"]["complete"] == 2


def test_code_that_always_fails_stops_the_worker_and_keeps_the_queue(project: Any) -> None:
    project.write(
        "wrong.py",
        """
import keras
from keras import layers


def build(hp):
    if hp.Int("filters", 1, 9) > 1:
        raise KeyError("a typing error")
    model = keras.Sequential([layers.Input((32, 32, 1)), layers.Conv2D(2, 1)])
    model.compile(loss="mse")
    return model
""",
    )
    project.write(
        "wrong.toml",
        """
hypermodel = "wrong.py:build"
data = { source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }
search = { trials = 20 }
training = { epochs = 1, batch_size = 16 }
enqueue = [{ filters = 2 }, { filters = 3 }, { filters = 4 }]
""",
    )
    worker = project.run("worker", "wrong.toml")
    assert worker.returncode == 2
    assert "3 trials in a row failed" in worker.stdout
    assert 'wrong.py", line' in worker.stdout
    counts = json.loads(project.run("status", "wrong", "--json").stdout)["studies"][0]["counts"]
    assert counts["waiting"] == 16
