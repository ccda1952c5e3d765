"""Slurm's own daemons run an array of workers: one that is told to stop hands its trial back, and the study
ends with its trials.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import load_definition
from tests.acceptance.slurm_cluster import SlurmCluster, missing, running_cluster, until
from tests.support.postgres import PASSWORD, running_server

pytestmark = pytest.mark.engines

TRIALS = 6
WORKERS = 4
EPOCHS = 8
STUDY = f"""
hypermodel = "slow_model.py:build"
data = {{ source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }}
search = {{ trials = {TRIALS}, seed = 7 }}
pruner = "none"
training = {{ epochs = {EPOCHS}, batch_size = 16, early_stopping = false, reduce_learning_rate = false }}
"""
# After its first epoch, a trial takes most of a minute while there is a file `slow`: all workers have one at
# a time.
MODEL = """
import time
from pathlib import Path

import keras


class Brake(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.pause = 2.0 if epoch > 0 else 0.0

    def on_train_batch_end(self, batch, logs=None):
        if Path(__file__).with_name("slow").exists():
            time.sleep(self.pause)


def build(hp):
    model = keras.Sequential([keras.layers.Input((32, 32, 1)), keras.layers.Conv2D(2, hp.Int("width", 1, 9, default=1), padding="same")])
    model.compile(optimizer="adam", loss="mse")
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, Brake()], **kwargs)
    return model
"""


@dataclass
class Story:
    """What was seen of an array of workers, one of which was told to stop and came back."""

    said: str = ""
    told: str = ""
    trial: int = -1
    requeued: tuple[str, int] = ("", 0)
    cancelled: tuple[str, int] = ("", 0)
    logs: dict[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    script: str = ""
    taken: str = ""
    environments: str = ""


def logs_of(folder: Path) -> dict[str, str]:
    """Return what the workers printed, by their number in the array."""
    return {path.stem.rpartition("_")[2]: path.read_text() for path in (folder / "slurm" / "logs").iterdir()}


def environments_of_others() -> str:
    """Return the environments and command lines of all processes but this one's, as far as they may
    be read.
    """
    texts = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name != str(os.getpid()):
            try:
                texts += [(process / name).read_bytes() for name in ("cmdline", "environ")]
            except OSError:
                continue
    return b"\n".join(texts).decode(errors="replace")


@pytest.fixture
def cluster() -> Iterator[SlurmCluster]:
    if lacking := missing():
        pytest.skip(
            f"needs Slurm (slurmctld, slurmd, munge, slurm-client), and there is no {lacking[0]} here"
        )
    with running_cluster() as cluster:
        yield cluster


def tell(cluster: SlurmCluster, project: Any, url: str) -> Story:
    """Submit the workers, stop one of them while all have a trial, and let the others finish."""
    story, brake = Story(), project.write("slow", "")
    place = Study.create_or_join(
        open_storage(url, create=True), load_definition(project.folder / "slow.toml")
    )
    secret = project.write("url", url)
    secret.chmod(0o600)
    project.environment |= cluster.environment | {
        "KERAS_BACKEND": "jax",
        "STUDYHALL_STORAGE_FILE": str(secret),
        "STUDYHALL_STORAGE": url,  # which the workers must not be given
        "CUDA_VISIBLE_DEVICES": "",
    }
    submitted = project.run("slurm", "slow", "--workers", f"{WORKERS}", "--", "--time=10")
    assert submitted.returncode == 0, submitted.stdout
    story.said = submitted.stdout
    (job,) = re.findall(r"Slurm has job (\d+),", story.said)
    story.script = (project.folder / "slurm" / "slow.sh").read_text()
    story.taken = cluster.run("scontrol", "write", "batch_script", f"{job}_1", "-")

    def stopped() -> str:
        return logs_of(project.folder).get("2", "")

    def everything() -> str:
        return f"{place.counts()}\n{logs_of(project.folder)}"

    with Catalogue(url) as catalogue:
        until(lambda: catalogue.summary("slow").counts.running == WORKERS, 120, everything)
        until(lambda: "epoch 1:" in stopped(), 120, everything)
        story.environments = environments_of_others()
        (story.trial,) = (int(found) for found in re.findall(r"trial (\d+): epoch 1:", stopped()))
        cluster.run("scancel", "--signal=TERM", f"{job}_2")
        until(lambda: cluster.state(f"{job}_2")[0] == "PENDING", 40, everything)
        story.told, story.requeued = stopped(), cluster.state(f"{job}_2")
        cluster.run("scancel", f"{job}_2")
        brake.unlink()
        until(cluster.is_empty, 150, everything)
        story.cancelled = cluster.state(f"{job}_2")
        story.counts, story.logs = catalogue.summary("slow").counts, logs_of(project.folder)
    place.storage.close()
    return story


def test_a_worker_of_an_array_that_is_told_to_stop_hands_its_trial_to_the_others_and_is_requeued(
    cluster: SlurmCluster, project: Any
) -> None:
    project.write("slow_model.py", MODEL)
    project.write("slow.toml", STUDY)
    with running_server() as server:
        url = server.url(server.create_database()).replace(" ", "%20")
        story = tell(cluster, project, url)
    assert f"trial {story.trial}: handed back" in story.told
    assert story.requeued == ("PENDING", 1)
    assert story.cancelled == ("CANCELLED", 1)

    goes_on = f"trial {story.trial}: training for up to {EPOCHS} epochs, continued after epoch"
    assert [number for number, log in story.logs.items() if goes_on in log and number != "2"] != []
    assert story.counts == Counts(complete=TRIALS)
    assert set(story.logs) == {"1", "2", "3", "4"}
    begun = [
        trial
        for log in story.logs.values()
        for trial in re.findall(rf"trial (\d+): training for up to {EPOCHS} epochs$", log, re.MULTILINE)
    ]
    assert sorted(map(int, begun)) == list(range(TRIALS)), "a trial was begun twice"

    assert story.taken.strip() == story.script.strip()
    assert "STUDYHALL_STORAGE_FILE" in story.script
    for text in (story.said, story.script, story.environments, *story.logs.values()):
        assert PASSWORD not in text
        assert url not in text
    assert stat.S_IMODE((project.folder / "url").stat().st_mode) == 0o600
