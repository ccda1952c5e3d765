"""A worker whose scratch folder is full, or its artifact store full or read-only: one line, nothing
half-written, no trial failed and no epoch lost.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MODEL = """
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
from keras import layers

disk, wish = Path("artifacts"), Path("wish")


class Disk(keras.callbacks.Callback):
    '''Spoils the artifact store, or the scratch folder, when `wish` says so: the worker has opened it long
    ago.
    '''

    def on_epoch_begin(self, epoch, logs=None):
        self.heed(f"epoch {epoch + 1}")

    def on_train_end(self, logs=None):
        self.heed(f"end of {self.params['epochs']}")

    def heed(self, moment):
        # The check, which trains too, comes before there is anything in the store.
        if not any(disk.iterdir()) or not wish.exists() or not wish.read_text().startswith(moment):
            return
        what = wish.read_text().split(": ")[1]
        if what != "read-only":
            folder = disk if what == "full" else Path(tempfile.gettempdir())
            with open(folder / "ballast", "wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def build(hp):
    hp.Int("filters", 1, 4, default=1)
    model = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1e-2, momentum=0.9), loss="mse", run_eagerly=True)
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, Disk()], **kwargs)
    return model


def load():
    x = np.ones((16, 2), "float32")
    return (x, x[:, :1]), (x, x[:, :1])
"""

STUDY = """
hypermodel = "model.py:build"
data = "model.py:load"
search = { trials = 1, seed = 7, figures = false }
pruner = "none"
training = { epochs = 3, batch_size = 16, early_stopping = false, reduce_learning_rate = false }
retraining = { epochs = 1 }
"""

# Runs in a namespace of its own, where it may mount; prints a line of JSON for each step.
DRIVER = """
import json, subprocess, sys
from pathlib import Path

studyhall, disk, wish = sys.argv[1], Path("artifacts"), Path("wish")
ballast = Path("scratch", "ballast")

def step(command, spoil):
    wish.write_text(spoil)
    process = subprocess.Popen([studyhall, command, "study.toml", "--plain"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = ""
    for line in process.stdout:
        output += line
        if line.startswith("waiting, for no trial can be trained here"):
            ballast.unlink()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    (disk / "ballast").unlink(missing_ok=True)
    files = sorted(path.name for path in disk.iterdir())
    print(json.dumps({"status": process.wait(), "output": output, "files": files}), flush=True)

step("worker", "epoch 2: scratch")
step("worker", "epoch 2: full")
step("worker", "end of 3: read-only")
step("search", "end of 1: full")
step("search", "never: full")
"""


@pytest.fixture
def mountable(tmp_path: Path) -> list[str]:
    """The start of a command that runs with small disks of its own as `artifacts` and as `scratch`."""
    disks = [tmp_path / "artifacts", tmp_path / "scratch"]
    for disk in disks:
        disk.mkdir()
    mounted = (
        '''for disk in "$1" "$2"; do mount -t tmpfs -o size=3m tmpfs "$disk"; done && shift 2 && exec "$@"'''
    )
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", *map(str, disks)]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this system lets nobody mount a disk of their own (unshare --user --mount)")
    return command


def test_full_and_read_only_disks_stop_a_worker_in_one_line_and_the_study_goes_on_after_it(
    tmp_path: Path, mountable: list[str]
) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "study.toml").write_text(STUDY)
    answer = subprocess.run(
        [*mountable, sys.executable, "-c", DRIVER, str(Path(sys.executable).with_name("studyhall"))],
        cwd=tmp_path,
        env=os.environ
        | {"CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "jax", "TMPDIR": str(tmp_path / "scratch")},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert answer.returncode == 0, answer.stderr
    scratch, *steps = map(json.loads, answer.stdout.splitlines())
    assert scratch["status"] == 1
    assert last_line(scratch) == (
        f"Error: No space is left on the disk of the scratch folder, {str(tmp_path / 'scratch')!r}. "
        "Free some, then run the same command again. Trial 0 is back in the queue."
    )
    assert "failed" not in scratch["output"].replace("0 failed", "")

    checkpoint, model, publication, success = steps
    # A worker that is started again meanwhile takes nothing before there is room, which the driver makes.
    assert checkpoint["output"].count("waiting, for no trial can be trained here: No space is left on") == 1
    assert "continued after epoch 1" in checkpoint["output"]
    write = f"Error: Cannot write to the artifact store {str(tmp_path / 'artifacts')!r}: "
    full = write + "no space is left there. Free some, then run the same command again."
    read_only = write + "the file system is read-only. Mount it writable, or choose another folder."

    assert (checkpoint["status"], last_line(checkpoint)) == (1, full)
    assert [each.split("-")[0] for each in checkpoint["files"]] == ["checkpoint", "marker"]  # that of epoch 1

    assert "trial 0: training for up to 3 epochs, continued after epoch 1" in model["output"]
    assert (model["status"], last_line(model)) == (1, read_only)

    assert "continued after epoch 2" in publication["output"]
    assert "1 complete" in publication["output"]
    assert (publication["status"], last_line(publication)) == (1, full)
    # The model that was kept, the store's marker, and nothing of a bundle.
    assert len(publication["files"]) == 2

    assert success["status"] == 0, success["output"]
    assert "published the" in success["output"]
    assert "Traceback" not in answer.stdout


def last_line(step: dict[str, Any]) -> str:
    lines: list[str] = step["output"].splitlines()
    return lines[-1]
