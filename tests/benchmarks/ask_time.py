"""What it takes to ask for a trial and its hyperparameters after many trials, in Studyhall and in plain
Optuna.

Run it by hand, on an idle machine if you can:

    .venv/bin/python tests/benchmarks/ask_time.py

Each has a database of its own with the same finished trials: nine parameters like those of the shipped
HyperModel, one of them conditional, and five epochs. One process after another opens it and, four times, asks
for a trial and draws its parameters, which is timed, and ends it. Studyhall claims from its queue and draws
with a definition's default sampler; Optuna has `study.ask()` on an `RDBStorage` and its own default,
`TPESampler`. The first time, a process reads all trials; the later ones show what each further trial takes.
Imports and the opening of the database are not counted. Prints a table, medians over processes with their
range, and one line of JSON.
"""

import argparse
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from sqlalchemy import Connection, insert, update

from studyhall.studies.algorithms.factory import make_pruner, sampler_for_trial
from studyhall.studies.database import schema
from studyhall.studies.database.address import parse
from studyhall.studies.database.optuna_tables import (
    COMPLETE,
    trial_intermediate_values,
    trial_params,
    trial_values,
    trials,
)
from studyhall.studies.database.retrying import Patience
from studyhall.studies.definition import Definition
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study

ASKS = 4  # by each process
EPOCHS = 5
NAME = "asked"
SPACE: dict[str, BaseDistribution] = {
    "filters": CategoricalDistribution((8, 16, 32, 64)),
    "pools": IntDistribution(1, 3),
    "convolutions": IntDistribution(1, 3),
    "activation": CategoricalDistribution(("relu", "leaky_relu", "silu", "gelu")),
    "normalisation": CategoricalDistribution(("batch", "none")),
    "upsampling": CategoricalDistribution(("transposed-2x2", "transposed-3x3", "nearest", "bilinear")),
    "head": CategoricalDistribution(("consistent", "independent", "depthwise")),
    "output_activation": CategoricalDistribution(("sigmoid", "relu", "linear")),
    "learning_rate": FloatDistribution(3e-4, 1e-2, log=True),
}

Draw = Callable[[str, BaseDistribution], Any]


def draw(suggest: Draw) -> float:
    """Draw all parameters of a trial; return something like its result."""
    drawn: dict[str, Any] = {}
    for name, distribution in SPACE.items():
        if name != "output_activation" or drawn["head"] != "consistent":
            drawn[name] = suggest(name, distribution)
    return float(drawn["learning_rate"] + 1 / (drawn["filters"] * drawn["pools"] * drawn["convolutions"]))


def finish(connection: Connection, study_id: int, count: int) -> None:
    """Make complete trials of a study's first `count`, as a random search would have left them."""
    generator = random.Random(0)
    done = {"state": COMPLETE, "datetime_start": datetime.now(UTC), "datetime_complete": datetime.now(UTC)}
    first = trials.c.study_id == study_id, trials.c.number < count
    ids = connection.scalars(update(trials).where(*first).values(done).returning(trials.c.trial_id)).all()
    sampler = optuna.samplers.RandomSampler(seed=0)
    texts = {name: distribution_to_json(distribution) for name, distribution in SPACE.items()}
    params, values, curves = [], [], []
    for trial_id in ids:

        def suggest(name: str, distribution: BaseDistribution, trial_id: int = trial_id) -> Any:
            value = sampler.sample_independent(None, None, name, distribution)  # type: ignore[arg-type]  # it needs neither
            internal = distribution.to_internal_repr(value)
            params.append(
                {
                    "trial_id": trial_id,
                    "param_name": name,
                    "param_value": internal,
                    "distribution_json": texts[name],
                }
            )
            return value

        result = draw(suggest) + generator.uniform(0, 0.01)
        values.append({"trial_id": trial_id, "objective": 0, "value": result, "value_type": "FINITE"})
        curves += [
            {
                "trial_id": trial_id,
                "step": epoch,
                "intermediate_value": result * (1 + 1 / epoch),
                "intermediate_value_type": "FINITE",
            }
            for epoch in range(1, EPOCHS + 1)
        ]
    connection.execute(insert(trial_params), params)
    connection.execute(insert(trial_values), values)
    connection.execute(insert(trial_intermediate_values), curves)


def prepare(url: str, finished: int, waiting: int) -> None:
    """Create a study with so many finished and so many waiting trials."""
    storage = open_storage(url, create=True)
    definition = Definition.model_validate({"name": NAME, "search": {"trials": finished + waiting}})
    study = Study.create_or_join(storage, definition)
    storage.transact(lambda connection: finish(connection, study.id, finished))
    storage.close()


def ask_ours(url: str) -> Iterator[float]:
    """Ask as a worker does; yield how long each time took, in ms."""
    study = Study.open(open_storage(url, create=False, patience=Patience(60)), NAME)
    spec, seed = study.definition.sampler, study.definition.search.seed
    pruner = make_pruner(study.definition.pruner)
    for _ in range(ASKS):
        began = time.perf_counter()
        trial = study.trials.claim(lambda number: sampler_for_trial(spec, seed, number), pruner)
        if trial is None:
            raise RuntimeError("the queue is empty")
        value = draw(functools.partial(suggest_value, trial))
        yield 1000 * (time.perf_counter() - began)
        study.results.complete(trial, value)


def ask_optunas(url: str) -> Iterator[float]:
    """Ask as Optuna's users do; yield how long each time took, in ms."""
    address = parse(url)
    storage = optuna.storages.RDBStorage(schema.optuna_url(address))
    study = optuna.load_study(study_name=NAME, storage=storage, sampler=optuna.samplers.TPESampler())
    for _ in range(ASKS):
        began = time.perf_counter()
        trial = study.ask()
        value = draw(functools.partial(_suggest, trial))
        yield 1000 * (time.perf_counter() - began)
        study.tell(trial, value)


def _suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    match distribution:
        case FloatDistribution():
            return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
        case IntDistribution():
            return trial.suggest_int(name, distribution.low, distribution.high)
        case CategoricalDistribution():
            return trial.suggest_categorical(name, distribution.choices)
    raise ValueError(name)


WAYS = {"Studyhall": ask_ours, "Optuna": ask_optunas}


def measure(url: str, way: str, processes: int) -> list[list[float]]:
    """Return how long each ask took, by process."""
    command = [sys.executable, __file__, "--ask", way]
    found = []
    for _ in range(processes):
        environment = os.environ | {"STUDYHALL_STORAGE": url}
        told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        found.append(json.loads(told))
    return found


@contextmanager
def databases() -> Iterator[dict[str, Callable[[], str]]]:
    """Makers of databases that do not exist yet, by kind."""
    from tests.support.postgres import running_server

    with tempfile.TemporaryDirectory(prefix="ask-") as folder, running_server() as server:
        serial = iter(range(1000))
        yield {
            "SQLite": lambda: f"sqlite:///{Path(folder) / f'{next(serial)}.db'}",
            "PostgreSQL": lambda: server.url(server.create_database()),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--processes", type=int, default=3, help="for each line of the table")
    parser.add_argument("--ask", choices=WAYS, help=argparse.SUPPRESS)  # what a process is started with
    options = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if options.ask:
        sys.stdout.write(json.dumps(list(WAYS[options.ask](os.environ["STUDYHALL_STORAGE"]))) + "\n")
        return 0
    load, record = os.getloadavg()[0], []
    sys.stdout.write("database    finished  by         first ask, ms (range)    later asks, ms (range)\n")
    with databases() as makers:
        for kind, make in makers.items():
            for finished in options.finished:
                for way in WAYS:
                    url = make()
                    prepare(url, finished, options.processes * ASKS if way == "Studyhall" else 0)
                    found = measure(url, way, options.processes)
                    first = [each[0] for each in found]
                    later = [took for each in found for took in each[1:]]
                    sys.stdout.write(
                        f"{kind:10}  {finished:8}  {way:9}  {_summary(first)}  {_summary(later)}\n"
                    )
                    sys.stdout.flush()
                    record.append({"database": kind, "finished": finished, "by": way, "ms": found})
    sys.stdout.write(json.dumps({"load_before": round(load, 1), "runs": record}) + "\n")
    return 0


def _summary(times: Sequence[float]) -> str:
    return f"{statistics.median(times):8.0f} ({min(times):.0f} to {max(times):.0f})".ljust(23)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
