"""A search whose workers Ray places, on three nodes of its own: a node dies, people press Ctrl-C, and nothing
is lost.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import optuna
import pytest

from studyhall.studies.status.summary import Counts
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from tests.support.postgres import PASSWORD, running_server

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install 'studyhall[ray]'"
    ),
]

Wait = Callable[["subprocess.Popen[str]", str], str]

# Beside it the project has a file that would stop Python itself, were it found where Ray puts a project.
MODEL = """
import time
from pathlib import Path

import keras
from keras import layers

from neighbour import PAUSE


class Log(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        with open({log!r}, "a") as file:
            file.write(f"{{self.filters}} {{epoch}}\\n")
        time.sleep(PAUSE)


def build(hp):
    log = Log()
    log.filters = hp.Int("filters", 1, 1000, default=1)
    model = keras.Sequential([layers.Input((32, 32, 1)), layers.Conv2D(2, 1)])
    model.compile(optimizer="sgd", loss="mse")
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[*callbacks, log], **kwargs)
    return model
"""

STUDY = """
hypermodel = "model.py:build"
data = {{ source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }}
search = {{ trials = {trials}, seed = 7 }}
sampler = "random"
pruner = "none"
training = {{ epochs = {epochs}, batch_size = 16, early_stopping = false }}
retraining = {{ epochs = 1 }}
"""


TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # nobody else's Ray is met


class Node:
    """A node of Ray: what `ray start` starts on one machine, of which several may be on this one."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir()
        self._folder = folder
        self.process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("ray")), "start", "--block", "--log-style=record"),
                *("--num-cpus=1", "--object-store-memory=80000000", "--include-log-monitor=false"),
                *("--disable-usage-stats", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}", *arguments),
            ],
            env=os.environ
            | TOKEN
            | {
                "CUDA_VISIBLE_DEVICES": "",
                "RAY_health_check_initial_delay_ms": "1000",
                "RAY_health_check_period_ms": "1000",  # else a lost node is noticed after half a minute
                "RAY_health_check_timeout_ms": "2000",
                "RAY_health_check_failure_threshold": "3",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def workers(self) -> list[int]:
        """The numbers of the workers that it runs."""
        return [pid for pid in descendants(self.process.pid) if "studyhall.search worker" in command_of(pid)]

    @property
    def logs(self) -> list[Path]:
        """What Ray has written down of its processes, and they themselves."""
        return [path for path in self._folder.glob("session_2*/logs/**/*") if path.is_file()]

    def kill(self) -> None:
        """Have it vanish with all that it runs, as a machine does that loses its power."""
        if self.process.returncode is not None:
            return
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate()


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # gone by now
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, new = [], children.get(pid, [])
    while new:
        found += new
        new = [child for each in new for child in children.get(each, [])]
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[str, list[Node]]]:
    """Ray's address, and its nodes: the head and two more."""
    folder = Path(tempfile.mkdtemp(prefix="sr-"))  # short, because the names of sockets must be
    port, client = free_port(), free_port()
    started: list[Node] = []
    try:
        head = ("--head", f"--port={port}", f"--ray-client-server-port={client}", "--include-dashboard=false")
        started.append(Node(folder / "0", *head))
        runs(started[0])
        address = f"127.0.0.1:{port}"
        for number in (1, 2):
            started.append(Node(folder / f"{number}", f"--address={address}"))
        for node in started[1:]:
            runs(node)
        yield address, started
    finally:
        for node in reversed(started):
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def runs(node: Node) -> None:
    assert node.process.stdout is not None
    seen = []
    for line in node.process.stdout:
        seen.append(line)
        if "Ray runtime started" in line:
            return
    raise AssertionError("".join(seen))


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of a PostgreSQL database, with a password in it."""
    with running_server() as server:
        yield server.url(server.create_database())


@pytest.fixture
def teamwork(project: Any, database: str, nodes: tuple[str, list[Node]], tmp_path: Path) -> Any:
    """A project whose studies are in PostgreSQL and whose artifacts are in a folder that all nodes have."""
    project.write("model.py", MODEL.format(log=str(tmp_path / "epochs")))
    project.write("neighbour.py", "PAUSE = 0.3\n")
    project.write("logging.py", "raise RuntimeError('not the standard library')\n")
    project.environment |= {
        "STUDYHALL_STORAGE": database,
        "STUDYHALL_LEASE_SECONDS": "4",
        "KERAS_BACKEND": "jax",
        "RAY_ADDRESS": nodes[0],
        **TOKEN,
    }
    return project


def counts(database: str, study: str) -> Counts:
    with closing(open_storage(database, create=False)) as storage:
        return Study.open(storage, study).counts()


def await_workers_gone(nodes: list[Node]) -> None:
    deadline = time.monotonic() + 60
    while any(node.workers for node in nodes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(node.workers for node in nodes)


def test_detached_workers_go_on_until_the_study_is_stopped_and_ctrl_c_hands_back_what_goes_on_after_that(
    teamwork: Any, nodes: tuple[str, list[Node]], database: str, wait_for_line: Wait
) -> None:
    teamwork.write("endless.toml", STUDY.format(trials=3, epochs=5000))
    left = teamwork.run("search", "endless.toml", "--on", "ray", "--workers", "2", "--detach")
    assert left.returncode == 0, left.stdout
    assert "2 workers on Ray at" in left.stdout
    assert "2 workers are left to Ray" in left.stdout
    assert sum(len(node.workers) for node in nodes[1]) == 2
    stopped = teamwork.run("stop", "endless")
    assert "endless is stopped, 2 workers leave soon" in stopped.stdout
    await_workers_gone(nodes[1])
    assert counts(database, "endless") == Counts(waiting=3)

    again = teamwork.start("search", "endless", "--on", "ray", "--workers", "2")
    wait_for_line(again, "2 running, 1 waiting")
    asked = time.monotonic()
    again.send_signal(signal.SIGINT)
    output, _ = again.communicate(timeout=60)
    assert again.returncode == 130, output
    assert "Stopped; nothing is lost" in output
    assert time.monotonic() - asked < 30
    assert counts(database, "endless") == Counts(waiting=3)
    assert not any(node.workers for node in nodes[1])


def test_a_node_that_is_lost_costs_no_trial_and_no_trial_is_trained_twice(
    teamwork: Any, nodes: tuple[str, list[Node]], database: str, wait_for_line: Wait, tmp_path: Path
) -> None:
    teamwork.write("short.toml", STUDY.format(trials=4, epochs=6))
    search = teamwork.start("search", "short.toml", "--on", "ray", "--workers", "2")
    wait_for_line(search, "2 workers on Ray at")
    (tmp_path / "epochs").unlink()  # the check's, which is over before Ray is asked for workers
    wait_for_line(search, "2 running, 2 waiting")
    lost = next(node for node in nodes[1][1:] if node.workers)
    lost.kill()
    output, _ = search.communicate(timeout=240)
    assert search.returncode == 0, output
    assert re.search(r"worker [12] was lost, alone or with its node; Ray starts it again", output)
    assert re.search(r"worker [12] of 2 runs on CPU", output)
    assert "studyhall fetch short" in output  # the best trial is retrained here, and published
    with closing(open_storage(database, create=False)) as storage:
        trials = Study.open(storage, "short").optuna().trials
    assert [trial.number for trial in trials] == list(range(4))
    assert {trial.state for trial in trials} == {optuna.trial.TrialState.COMPLETE}
    assert all(sorted(trial.intermediate_values) == list(range(1, 7)) for trial in trials)
    trained = Counter((tmp_path / "epochs").read_text().splitlines())
    searched = {f"{trial.params['filters']} {epoch}": 0 for trial in trials for epoch in range(6)}
    assert searched.keys() <= trained.keys()
    # Twice: the epoch that was lost with the node, and the one of the retraining.
    assert sum(trained[epoch] - 1 for epoch in searched) <= 1 + 1

    secret = database.split("studyhall:")[1].split("@")[0]  # the password, as the URL has it
    alive = [node for node in nodes[1] if node is not lost]
    commands = [
        command_of(pid) for node in alive for pid in [node.process.pid, *descendants(node.process.pid)]
    ]
    written = [path.read_text(errors="replace") for node in alive for path in node.logs]
    assert any("trial 0" in text for text in written)  # what workers print is there for people
    assert not any(word in text for word in (secret, PASSWORD) for text in [*commands, *written, output])
