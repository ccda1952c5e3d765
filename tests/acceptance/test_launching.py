"""Several workers on one machine, and what ends their work before the queue does."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def counts(project: Any) -> dict[str, int]:
    answer = project.run("status", "cheap", "--json")
    found: dict[str, int] = json.loads(answer.stdout)["studies"][0]["counts"]
    return found


def write_endless_study(project: Any, trials: int) -> None:
    study = project.write_study(trials=trials, epochs=5000)
    text = study.read_text().replace("batch_size = 16", "batch_size = 16, early_stopping = false")
    study.write_text(text + 'pruner = "none"\n')


def processes_in(folder: Path) -> list[int]:
    """The processes whose current folder this is, training processes included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")) == folder:
                found.append(int(process.name))
        except OSError:  # gone by now, or another user's
            continue
    return found


def test_two_workers_train_exactly_the_epochs_of_the_budget_and_the_best_trial_is_published(
    project: Any,
) -> None:
    study = project.write_study(trials=5)
    study.write_text(study.read_text().replace("seed = 7", "seed = 7, epochs = 7"))
    searched = project.run("search", "cheap.toml", "--workers", "2", "--gpus", "none")
    assert searched.returncode == 0, searched.stdout
    assert "worker 2 of 2 runs on CPU" in searched.stdout
    assert "The search ends: the budget of 7 epochs is used up" in searched.stdout
    assert "studyhall fetch cheap" in searched.stdout
    with sqlite3.connect(project.folder / "studies.db") as database:
        trained = database.execute("SELECT count(*) FROM trial_intermediate_values").fetchone()[0]
    assert trained == 7
    after = counts(project)
    assert after["running"] == after["failed"] == 0
    assert after["waiting"] > 0


def test_workers_end_in_order_when_their_launcher_is_killed(
    project: Any, wait_for_line: Callable[["subprocess.Popen[str]", str], str]
) -> None:
    write_endless_study(project, trials=4)
    launcher = project.start("worker", "cheap.toml", "--workers", "2", "--gpus", "none")
    line = wait_for_line(launcher, "epoch 2:")
    assert re.match(r"worker [12] \| trial \d: epoch 2:", line)
    assert len(processes_in(project.folder)) >= 3
    launcher.send_signal(signal.SIGKILL)
    launcher.communicate(timeout=60)  # the pipe ends when the last process that writes to it has ended
    deadline = time.monotonic() + 60
    while (left := processes_in(project.folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    states = {"running": 0, "complete": 0, "pruned": 0, "failed": 0, "paused": 0}
    assert counts(project) == {"waiting": 4, **states}


def test_a_silent_worker_is_told_to_stop_when_its_launcher_is_gone() -> None:
    program = (
        "import time; from studyhall.search.processes.launching import end_with_launcher; "
        "end_with_launcher(); print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        assert worker.poll() is None
        worker.stdin.close()  # as the system does for a process that ends, however it ends
        assert worker.wait(20) == -signal.SIGHUP


def test_a_stopped_study_is_left_at_the_end_of_an_epoch_and_can_be_extended(
    project: Any, wait_for_line: Callable[["subprocess.Popen[str]", str], str]
) -> None:
    write_endless_study(project, trials=2)
    worker = project.start("worker", "cheap.toml")
    wait_for_line(worker, "trial 0: epoch 1:")
    stopped = project.run("stop", "cheap")
    assert "cheap is stopped, 1 worker leaves soon" in stopped.stdout
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert "The worker ends: it was stopped with: studyhall stop" in output
    extended = project.run("extend", "cheap", "--trials", "3")
    assert "cheap has trials 2 to 4 now: 5 waiting" in extended.stdout
    assert "The study is stopped; continue it with: studyhall search cheap" in extended.stdout
    late = project.run("worker", "cheap")
    assert late.returncode == 0, late.stdout
    assert "training for" not in late.stdout
    assert "can be worked on again" in project.run("stop", "cheap", "--undo").stdout
