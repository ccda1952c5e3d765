"""Real processes on one study, for tests: python storage_processes.py ACTION URL PROCESSES TRIALS.

What all of them need is imported once; then they are forked, before anything is connected, meet at a barrier
and act at the same moment. The answers are printed as JSON, one per process; an exception is an answer too.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import alembic.command  # noqa: F401 - imported here, Optuna does it when it needs it
import optuna
import psycopg  # noqa: F401 - as above, SQLAlchemy
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sqlalchemy import Connection, Engine, event

from studyhall.studies.database.address import parse
from studyhall.studies.database.connection import connect
from studyhall.studies.definition import Definition
from studyhall.studies.errors import RepeatedConfigurationError
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study

FORK = multiprocessing.get_context("fork")
NAME = "raced"
PAUSED = "paused"


def start(url: str, trials: int) -> int:
    """Open the storage and the study as every worker does; return how many trials the study has."""
    storage = open_storage(url, create=True)
    study = Study.create_or_join(
        storage, Definition.model_validate({"name": NAME, "search": {"trials": trials}})
    )
    total = study.counts().total
    storage.close()
    return total


def work(url: str, trials: int) -> list[int]:
    """Claim trials until none is left; return their numbers, one for each claim."""
    storage = open_storage(url, create=False)
    study = Study.open(storage, NAME)
    claimed = []
    while trial := study.trials.claim(
        lambda number: optuna.samplers.RandomSampler(seed=number), optuna.pruners.NopPruner()
    ):
        claimed.append(trial.number)
        value = suggest_value(trial, "x", FloatDistribution(0, 1))
        held = storage.get_trial(trial._trial_id).intermediate_values
        trial.report(float(value), len(held))
        study.trials.renew(study.trials.lease_of(trial))
        if trial.number % 5 == 0 and not held:
            study.trials.hand_back(trial)
        else:
            study.results.complete(trial, float(value))
    storage.close()
    return claimed


def draw(url: str, trials: int) -> list[list[Any]]:
    """Claim trials of a conditional space of six configurations until it has none left; return those that
    were tried.
    """
    storage = open_storage(url, create=False)
    study = Study.open(storage, NAME)
    tried = []
    while True:
        trial = study.trials.claim(
            lambda number: optuna.samplers.TPESampler(seed=0, n_startup_trials=2), optuna.pruners.NopPruner()
        )
        if trial is None and not study.trials.others_try_the_rest:
            break
        if trial is None:
            time.sleep(0.02)
            continue
        try:
            if suggest_value(trial, "kind", CategoricalDistribution(("dense", "conv"))) == "dense":
                suggest_value(trial, "depth", IntDistribution(1, 3))
            else:
                suggest_value(trial, "rate", FloatDistribution(0.1, 0.5, step=0.2))
        except RepeatedConfigurationError:
            study.trials.draw_again(trial)
            continue
        kind, rest = trial.params.values()
        tried.append([kind, round(rest, 6)])
        study.results.complete(trial, 1.0)
    storage.close()
    return tried


def pause(url: str, trials: int) -> list[list[int]]:
    """Train trials of nine epochs that pause after one and three until none is left, and close the study.

    Returns:
        Each stretch of a trial: its number, and its first and last epoch.
    """
    storage = open_storage(url, create=False)
    study = Study.open(storage, PAUSED)
    stretches = []
    while trial := study.trials.claim(
        lambda number: optuna.samplers.RandomSampler(seed=number), optuna.pruners.NopPruner()
    ):
        lease = study.trials.lease_of(trial)
        suggest_value(trial, "x", FloatDistribution(0, 1))
        first = len(storage.get_trial(trial._trial_id).intermediate_values) + 1
        for epoch in range(first, 10):
            value = trial.number * 7 % 10 + 1 / epoch
            trial.report(value, epoch)
            if not study.rungs.reach(lease, epoch, value):
                study.trials.hand_back(lease)
                break
        else:
            study.results.complete(trial, value)
        stretches.append([trial.number, first, epoch])
    study.rungs.close(spent=False)
    storage.close()
    return stretches


def reclaim(url: str, trials: int) -> list[int]:
    """Take back the trials whose leases are over; return their numbers."""
    storage = open_storage(url, create=False)
    released = Study.open(storage, NAME).trials.reclaim_expired()
    storage.close()
    return [each.number for each in released]


def together(action: Callable[[str, int], Any], url: str, processes: int, trials: int) -> list[Any]:
    """Act in several processes at once; return their answers, in any order."""
    barrier = FORK.Barrier(processes)
    answers = FORK.SimpleQueue()

    def act() -> None:
        barrier.wait()
        try:
            answers.put(action(url, trials))
        except Exception:  # noqa: BLE001 - the test shows it
            answers.put(traceback.format_exc())

    children = [FORK.Process(target=act) for _ in range(processes)]
    for child in children:
        child.start()
    collected = [answers.get() for _ in children]
    for child in children:
        child.join()
    return collected


def interrupted(url: str, trials: int) -> list[Any]:
    """Kill a start after one of its writes, a later one each time until none is left; each time, start again.

    Returns:
        How many trials the second start found, each time.
    """
    answers: list[Any] = []
    write = 1
    while True:
        killed = FORK.Process(target=_start_and_die, args=(url, trials, write))
        killed.start()
        killed.join()
        if killed.exitcode == 0:
            return answers
        assert killed.exitcode == -signal.SIGKILL
        answers += together(start, url, processes=1, trials=trials)
        erase(url)
        write += 5 if write < 15 else 2  # the first ones are all alike: tables


def _start_and_die(url: str, trials: int, write: int) -> None:
    writes = 0

    def count(connection: Connection, cursor: object, statement: str, *details: object) -> None:
        nonlocal writes
        writes += statement.lstrip().split()[0].upper() in ("CREATE", "INSERT", "UPDATE")
        if writes == write:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)
    start(url, trials)


def erase(url: str) -> None:
    """Remove everything from the database."""
    address = parse(url)
    if address.path is not None:
        for file in address.path.parent.glob(address.path.name + "*"):
            file.unlink()
        return
    engine = connect(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    action, url, processes, trials = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if action == "interrupted":
        found = interrupted(url, trials)
    else:
        found = together(
            {"start": start, "work": work, "draw": draw, "pause": pause, "reclaim": reclaim}[action],
            url,
            processes,
            trials,
        )
    sys.stdout.write(json.dumps(found))
