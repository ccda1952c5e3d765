"""Trials survive their worker: killed, stopped, frozen or starved workers lose nothing and repeat nothing."""

import json
import os
import re
import select as poll
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from sqlalchemy import select

from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study

Wait = Callable[["subprocess.Popen[str]", str], str]

SLOW_MODEL = """
import time

import keras
from keras import layers


class Pause(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        time.sleep(0.3)


def build(hp):
    hp.Int("filters", 1, 4, default=1)
    model = keras.Sequential([layers.Input((32, 32, 1)), layers.Dropout(0.2), layers.Conv2D(2, 1)])
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="mse")
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, Pause()], **kwargs)
    return model
"""

SLOW_STUDY = """
hypermodel = "slow_model.py:build"
data = {{ source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }}
search = {{ trials = {trials}, seed = 7 }}
pruner = "none"
training = {{ epochs = {epochs}, batch_size = 16, early_stopping = false, reduce_learning_rate = {{ patience = 1, min_delta = 0.02 }} }}
"""


@pytest.fixture
def slow(project: Any) -> Any:
    """A project whose epochs take a third of a second, with leases of three seconds, on one CPU thread."""
    project.write("slow_model.py", SLOW_MODEL)
    project.environment |= {"STUDYHALL_LEASE_SECONDS": "3", "KERAS_BACKEND": "jax", "NPROC": "1"}
    return project


def trials(project: Any, name: str, database: str = "studies.db") -> list[optuna.trial.FrozenTrial]:
    """The study's trials, read by Optuna itself."""
    path = (project.folder / database).as_uri().removeprefix("file://")
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


def training_process(worker: "subprocess.Popen[str]") -> int:
    """The number of a worker's training process."""
    (child,) = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    return int(child)


def await_quiet_after(project: Any, epoch: int) -> None:
    """Wait until a trial's epoch is on record: its worker, were it frozen now, would hold no lock on SQLite's
    file.
    """
    with closing(open_storage(f"sqlite:///{project.folder}/studies.db", create=False)) as storage:
        study, recorded = Study.open(storage, "slow"), select(leases.c.checkpoint_epoch)
        deadline = time.monotonic() + 30
        while (
            storage.read(lambda connection: connection.scalar(recorded)) or 0
        ) < epoch or study.checkpoints.leftovers():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_trial_that_is_handed_back_orphaned_and_killed_learns_as_if_nothing_had_happened(
    slow: Any, wait_for_line: Wait
) -> None:
    """Through three workers, four training processes and the store: number for number, on one CPU thread."""
    slow.write("slow.toml", SLOW_STUDY.format(trials=1, epochs=12))
    whole = slow.start("worker", "slow.toml", "--storage", "sqlite:///whole.db", "--artifacts", "whole")

    first = slow.start("worker", "slow.toml")
    wait_for_line(first, "trial 0: epoch 2")
    asked = time.monotonic()
    first.send_signal(signal.SIGTERM)
    output = finish(first, 20)
    assert time.monotonic() - asked < 10
    assert first.returncode == 143
    assert "handed back" in output
    last = max([2, *trained(output)])

    second = slow.start("worker", "slow.toml")
    assert f"continued after epoch {last}" in wait_for_line(second, "trial 0: training")
    wait_for_line(second, f"trial 0: epoch {last + 2}")
    gone = os.pidfd_open(training_process(second))
    os.kill(training_process(second), signal.SIGSTOP)  # its worker holds the lease
    third = slow.start("worker", "slow.toml")  # finds nothing to take, and stays for what comes back
    wait_for_line(third, "waiting for 1 trial of another worker")
    second.kill()
    readable, _, _ = poll.select([gone], [], [], 10)
    os.close(gone)
    assert readable, "the training process outlived its worker"
    reached = max([last + 2, *trained(finish(second))])

    line = wait_for_line(third, "trial 0: epoch")
    os.kill(training_process(third), signal.SIGKILL)
    output = line + finish(third)
    assert third.returncode == 0, output
    assert "interrupted" in output
    epochs = trained(output)
    assert sorted(set(epochs)) == list(range(epochs[0], 13))
    assert epochs[0] >= reached, "more than one epoch was trained twice"
    assert len(epochs) <= len(set(epochs)) + 1, "more than one epoch was trained twice"

    assert finish(whole).count("trial 0: epoch") == 12
    (interrupted,), (uninterrupted,) = trials(slow, "slow"), trials(slow, "slow", "whole.db")
    assert sorted(interrupted.intermediate_values) == list(range(1, 13))
    assert interrupted.intermediate_values == uninterrupted.intermediate_values
    assert interrupted.user_attrs["history"] == uninterrupted.user_attrs["history"]
    assert interrupted.value == uninterrupted.value
    assert not list((slow.folder / "artifacts").glob("checkpoint-*"))


def test_a_worker_that_was_frozen_past_its_lease_drops_its_trial_quietly_and_takes_the_next(
    slow: Any, wait_for_line: Wait
) -> None:
    slow.write("slow.toml", SLOW_STUDY.format(trials=3, epochs=12))
    frozen = slow.start("worker", "slow.toml")
    wait_for_line(frozen, "trial 0: epoch 2")
    await_quiet_after(slow, 2)
    both = [frozen.pid, training_process(frozen)]
    for each in both:
        os.kill(each, signal.SIGSTOP)
    other = slow.start("worker", "slow.toml")
    wait_for_line(other, "trial 0: training for up to 12 epochs, continued after epoch")
    for each in both:
        os.kill(each, signal.SIGCONT)
    left, output = finish(frozen), finish(other)
    assert (frozen.returncode, other.returncode) == (0, 0), left + output
    assert "Traceback" not in left + output
    assert "trial 0: dropped" in left
    assert re.search("trial [12]: complete", left)
    for trial in trials(slow, "slow"):
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
    how = hp.Choice("how", ["well", "memory", "nan", "sleep", "segfault"], default="well")
    model = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    rate = 1e30 if how == "nan" else 1e-2
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse", run_eagerly=True)
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, Misbehave(how)], **kwargs)
    return model


def load():
    x = np.ones((32, 2), "float32")
    return (x, x[:, :1]), (x, x[:, :1])
"""


def test_each_misbehaving_trial_ends_as_its_kind_and_the_next_one_runs(project: Any) -> None:
    project.write("bad_model.py", BAD_MODEL)
    project.write(
        "bad.toml",
        """
hypermodel = "bad_model.py:build"
data = "bad_model.py:load"
search = { trials = 6 }
training = { epochs = 1, batch_size = 16 }
enqueue = [{ how = "memory" }, { how = "nan" }, { how = "sleep" }, { how = "segfault" }, { how = "well" }]
""",
    )
    # Where memory is given out slowly, what fills two gigabytes must have done so before it counts as
    # stalled.
    project.environment |= {"STUDYHALL_STALL_SECONDS": "20", "STUDYHALL_MEMORY_LIMIT": "2"}
    worker = project.run("worker", "bad.toml")
    assert worker.returncode == 0, worker.stdout
    assert "Traceback" not in worker.stdout
    status = json.loads(project.run("status", "bad", "--json").stdout)["studies"][0]
    assert status["failures"] == {"oom": 1, "nan": 1, "stalled": 1, "crashed": 1}
    assert status["counts"]["complete"] == 2


def test_code_that_always_fails_stops_the_worker_and_keeps_the_queue(project: Any) -> None:
    project.environment["KERAS_BACKEND"] = "jax"
    project.write(
        "wrong.py",
        """
import keras
import numpy as np
from keras import layers


def build(hp):
    if hp.Int("filters", 1, 9, default=1) > 1:
        raise KeyError("a typing error")
    model = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile(loss="mse", run_eagerly=True)
    return model


def load():
    x = np.ones((32, 2), "float32")
    return (x, x[:, :1]), (x, x[:, :1])
""",
    )
    project.write(
        "wrong.toml",
        """
hypermodel = "wrong.py:build"
data = "wrong.py:load"
search = { trials = 20 }
training = { epochs = 1, batch_size = 16 }
enqueue = [{ filters = 2 }, { filters = 3 }, { filters = 4 }]
""",
    )
    worker = project.run("worker", "wrong.toml")
    assert worker.returncode == 1
    assert "3 trials in a row failed" in worker.stdout
    assert "(wrong.py, line 9)" in worker.stdout
    counts = json.loads(project.run("status", "wrong", "--json").stdout)["studies"][0]["counts"]
    assert counts["waiting"] == 16
