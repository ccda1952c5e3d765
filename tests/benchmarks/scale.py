"""How far one PostgreSQL goes: 1 to 256 workers that only pretend to train, and a study of 10,000 finished
trials.

Run it by hand, on an idle machine if you can (minutes):

    .venv/bin/python tests/benchmarks/scale.py

No Keras runs here. A worker is a thread with a `StudyStorage` of its own, so with connections of its own as a
process has; several such threads share a process (`--processes`), because 256 processes do not fit into an
ordinary machine's memory. It claims, asks for two parameters, sleeps for an epoch, reports a known curve,
renews its lease once, and completes: what Studyhall asks of the database for a trial, without checkpoints and
files. All of it, the database included, shares this machine's cores, so the claim latency has the workers'
own interpreters in it, which hosts of their own would not share. Prints tables, and one line of JSON.
"""

import argparse
import asyncio
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from optuna.distributions import FloatDistribution, IntDistribution, distribution_to_json
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import Trial
from sqlalchemy import insert, text

from studyhall.search.server.application import create_application, end_threads
from studyhall.search.server.auth.access import Access
from studyhall.search.server.dashboard import Dashboard
from studyhall.search.server.served import Served
from studyhall.studies.database import optuna_tables
from studyhall.studies.database.retrying import Patience
from studyhall.studies.definition import Definition
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study

EPOCHS = 5
PROCESSES = 4
TICKS = os.sysconf("SC_CLK_TCK")  # a second, of a process's CPU time
RATE, FILTERS = FloatDistribution(1e-4, 1e-1, log=True), IntDistribution(4, 64)


def define(name: str, trials: int) -> Definition:
    """Return a study that nobody trains."""
    return Definition.model_validate(
        {"name": name, "search": {"trials": trials}, "sampler": "random", "training": {"epochs": EPOCHS}}
    )


def random_sampler(number: int) -> BaseSampler:
    """Return a sampler that costs next to nothing, so that the database is what is measured."""
    return RandomSampler(seed=number)


class SimulatedWorker:
    """Works through a queue; `claims` are the seconds that each claim took, `numbers` the trials
    that it got.
    """

    def __init__(self, url: str, name: str, trial_seconds: float) -> None:
        self._storage = open_storage(url, create=False, patience=Patience(120.0))
        self._study = Study.open(self._storage, name)
        self._epoch_seconds = trial_seconds / EPOCHS
        self.claims: list[float] = []
        self.numbers: list[int] = []

    def work(self) -> None:
        """Work until the queue is empty."""
        study = self._study
        while True:
            began = time.perf_counter()
            trial = study.trials.claim(random_sampler, NopPruner())
            if trial is None:
                break
            self.claims.append(time.perf_counter() - began)
            self.numbers.append(trial.number)
            rate, filters = suggest_value(trial, "rate", RATE), suggest_value(trial, "filters", FILTERS)
            for epoch in range(1, EPOCHS + 1):
                time.sleep(self._epoch_seconds)
                trial.report(float(rate) + 1 / (float(filters) * epoch), epoch)
                trial.should_prune()
            study.trials.renew(study.trials.lease_of(trial), epoch=EPOCHS)
            study.results.complete(trial, float(rate))
        self._storage.close()


def be_workers(url: str, name: str, workers: int, trial_seconds: float) -> None:
    """Be a process with so many workers: say that they are ready, wait for a line, work, and tell of it."""
    all_of_them = [SimulatedWorker(url, name, trial_seconds) for _ in range(workers)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(workers) as threads:
        for done in [threads.submit(each.work) for each in all_of_them]:
            done.result()
    told = {
        "claims": [seconds for each in all_of_them for seconds in each.claims],
        "numbers": [number for each in all_of_them for number in each.numbers],
        "cpu": time.process_time(),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def database_seconds(data: Path) -> float:
    """Return the CPU time of all of a server's processes, those that have ended included, in seconds."""
    postmaster = int((data / "postmaster.pid").read_text().split()[0])
    found = _family(postmaster)
    return sum(found) / TICKS


def _family(parent: int) -> list[int]:
    ticks: list[int] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(folder.name) == parent:
            ticks += map(int, fields[11:15])  # its own, and its children's that have ended
        elif int(fields[1]) == parent:
            ticks += map(int, fields[11:13])
    return ticks


def run(url: str, data: Path, workers: int, trials: int, trial_seconds: float) -> dict[str, Any]:
    """Have so many workers work through so many trials."""
    name = f"{workers}-{trial_seconds}"
    storage = open_storage(url, create=True)
    study = Study.create_or_join(storage, define(name, trials))
    processes = min(workers, PROCESSES)
    shares = [workers // processes + (each < workers % processes) for each in range(processes)]
    with ExitStack() as stack:
        crew = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, __file__, "--be", name, f"{share}", f"{trial_seconds}"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=os.environ | {"STUDYHALL_STORAGE": url},
                )
            )
            for share in shares
        ]
        for each in crew:
            assert each.stdout is not None
            if each.stdout.readline() != "ready\n":
                raise RuntimeError("workers did not start")
        busy, load, began = database_seconds(data), os.getloadavg()[0], time.perf_counter()
        connections = storage.read(lambda connection: connection.execute(_CONNECTIONS).scalar_one())
        for each in crew:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        told = [json.loads(each.stdout.readline()) for each in crew if each.stdout is not None]
        seconds = time.perf_counter() - began
        busy = database_seconds(data) - busy
    numbers = [number for each in told for number in each["numbers"]]
    claims = sorted(second for each in told for second in each["claims"])
    finished = study.counts().complete
    storage.close()
    return {
        "workers": workers,
        "trials": trials,
        "trial_seconds": trial_seconds,
        "seconds": round(seconds, 1),
        "per_second": round(trials / seconds, 1),
        "claim_median_ms": round(1000 * statistics.median(claims), 1),
        "claim_p99_ms": round(1000 * claims[int(0.99 * (len(claims) - 1))], 1),
        "database_ms": round(1000 * busy / trials, 1),
        "worker_ms": round(1000 * sum(each["cpu"] for each in told) / trials, 1),
        "duplicates": len(numbers) - len(set(numbers)),
        "finished": finished,
        "connections": connections,
        "load": round(load, 1),
    }


_CONNECTIONS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")


def constants(url: str, data: Path, times: int) -> dict[str, float]:
    """Return what each thing that a worker does costs the database, in milliseconds of its CPU, on
    average.
    """
    storage = open_storage(url, create=True)
    study = Study.create_or_join(storage, define("constants", times))
    trials: list[Trial] = []
    found: dict[str, float] = {}

    def claim() -> None:
        trial = study.trials.claim(random_sampler, NopPruner())
        assert trial is not None
        trials.append(trial)

    def measure(what: str, work: Callable[[], object], times: int) -> None:
        before = database_seconds(data)
        for _ in range(times):
            work()
        found[what] = round(1000 * (database_seconds(data) - before) / times, 2)

    claim()
    epochs, to_ask, to_end = iter(range(times)), iter(trials), iter(trials)
    measure("an epoch's report", lambda: trials[0].report(0.5, next(epochs)), times)
    measure(
        "the renewal of a lease", lambda: study.trials.renew(study.trials.lease_of(trials[0]), epoch=1), times
    )
    measure("a claim", claim, times - 1)
    measure("two parameters", lambda: _suggest(next(to_ask)), times)
    measure("a result", lambda: study.results.complete(next(to_end), 0.5), times)
    storage.close()
    return found


def _suggest(trial: Trial) -> None:
    suggest_value(trial, "rate", RATE)
    suggest_value(trial, "filters", FILTERS)


def fill(storage: StudyStorage, study: Study, trials: int) -> None:
    """Have the first trials of a study be complete, each with its parameters and its curve."""
    base = datetime(2026, 1, 1)
    random_rates = RandomSampler(seed=0)._rng.rng

    def work(connection: Any) -> None:
        ids = connection.scalars(
            text("SELECT trial_id FROM trials WHERE study_id = :study ORDER BY number LIMIT :trials"),
            {"study": study.id, "trials": trials},
        ).all()
        connection.execute(
            text(
                "UPDATE trials SET state = 'COMPLETE', datetime_start = CAST(:base AS timestamp) + number * interval '10 s', "
                "datetime_complete = CAST(:base AS timestamp) + number * interval '10 s' + interval '30 s' WHERE trial_id = ANY(:ids)"
            ),
            {"base": base, "ids": list(ids)},
        )
        values, curves, parameters, shown = [], [], [], []
        for trial_id in ids:
            rate = float(10 ** random_rates.uniform(-4, -1))
            filters = int(random_rates.randint(4, 65))
            for step in range(1, EPOCHS + 1):
                value = rate + 1 / (filters * step)
                curves.append(
                    {
                        "trial_id": trial_id,
                        "step": step,
                        "intermediate_value": value,
                        "intermediate_value_type": "FINITE",
                    }
                )
            values.append({"trial_id": trial_id, "objective": 0, "value": value, "value_type": "FINITE"})
            parameters += [
                {
                    "trial_id": trial_id,
                    "param_name": name,
                    "param_value": drawn,
                    "distribution_json": distribution_to_json(distribution),
                }
                for name, drawn, distribution in (("rate", rate, RATE), ("filters", filters, FILTERS))
            ]
            shown.append(
                {
                    "trial_id": trial_id,
                    "key": "hyperparameters",
                    "value_json": json.dumps({"rate": rate, "filters": filters}),
                }
            )
        connection.execute(insert(optuna_tables.trial_values), values)
        connection.execute(insert(optuna_tables.trial_user_attributes), shown)
        connection.execute(insert(optuna_tables.trial_intermediate_values), curves)
        connection.execute(insert(optuna_tables.trial_params), parameters)

    storage.transact(work)


def timed(work: Callable[[], Any]) -> float:
    """Return how many seconds something takes."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def large(url: str, folder: Path, trials: int) -> dict[str, float]:
    """Measure, in seconds, what people and workers wait for in a study with so many finished trials."""
    storage = open_storage(url, create=True)
    study = Study.create_or_join(storage, define("large", trials + 20))
    fill(storage, study, trials)
    storage.close()
    found: dict[str, float] = {}

    def status() -> None:
        subprocess.run(
            [sys.executable, "-m", "studyhall.search", "status", "large"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"STUDYHALL_STORAGE": url},
        )

    found["status, the whole command"] = min(timed(status) for _ in range(4))
    before = os.times()
    status()
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    found["status: its CPU"] = round(busy, 3)
    found |= pages(url, folder)

    storage = open_storage(url, create=False)
    study = Study.open(storage, "large")

    def tpe(number: int) -> BaseSampler:
        return TPESampler(seed=number)

    for turn in ("first", "second"):
        claimed: list[Trial | None] = []
        claim = functools.partial(study.trials.claim, tpe, NopPruner())
        began = time.process_time()
        found[f"claim, the {turn} of a process"] = timed(lambda: claimed.append(claim()))  # noqa: B023
        found[f"claim, the {turn}: CPU of this process"] = round(time.process_time() - began, 3)
        (trial,) = claimed
        assert trial is not None
        found[f"ask (TPE), the {turn}"] = timed(functools.partial(_suggest, trial))
        found[f"report, the {turn}"] = timed(functools.partial(trial.report, 0.5, 1))
        study.results.complete(trial, 0.5)
    storage.close()
    return found


def pages(url: str, folder: Path) -> dict[str, float]:
    """Measure the server's pages, in this process, with nothing kept from before."""
    found: dict[str, float] = {}
    paths = ["/studies", "/studies/large", "/api/overview", "/api/studies/large", "/api/studies/large/trials"]

    async def ask_all() -> None:
        with Catalogue(url) as catalogue:
            hall = Served(url, catalogue, str(folder))
            dashboard = Dashboard(hall)
            application = create_application(hall, Access(), dashboard)
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(application), base_url="http://localhost"
            ) as client:
                for path in paths:
                    began = time.perf_counter()
                    answer = await client.get(path)
                    found[f"server, {path} ({answer.status_code})"] = round(time.perf_counter() - began, 3)
                    await asyncio.sleep(1.2)  # what it keeps for a moment grows old, unless it took long
            end_threads(application)
            dashboard.close()

    asyncio.run(ask_all())
    return found


def main() -> int:
    """Measure, print, and return 1 where a trial was claimed twice or is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 4, 16, 64, 256])
    parser.add_argument("--trials", type=int, default=400, help="in each queue of trials that take no time")
    parser.add_argument("--seconds", type=float, default=0.0, help="that a trial sleeps")
    parser.add_argument(
        "--large", type=int, default=10_000, help="finished trials of the large study; 0 for none"
    )
    parser.add_argument("--times", type=int, default=200, help="that each cost is measured; 0 for not at all")
    # What a process with workers is started with.
    parser.add_argument("--be", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be:
        name, workers, seconds = options.be
        threading.stack_size(512 * 1024)
        be_workers(os.environ["STUDYHALL_STORAGE"], name, int(workers), float(seconds))
        return 0

    from tests.support.postgres import running_server

    runs: list[dict[str, Any]] = []
    found: dict[str, float] = {}
    costs: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="scale-") as folder, running_server(connections=600) as server:
        url = server.url(server.create_database())
        sys.stdout.write(
            "workers  trials  seconds  trials/s  claim median  99th  database CPU  workers' CPU  twice  connections  load\n"
        )
        for workers in options.workers:
            each = run(url, server.folder / "data", workers, options.trials, options.seconds)
            runs.append(each)
            sys.stdout.write(
                "{workers:7}  {trials:6}  {seconds:7}  {per_second:8}  {claim_median_ms:9} ms  {claim_p99_ms} ms  "
                "{database_ms:9} ms  {worker_ms:9} ms  {duplicates:5}  {connections:11}  {load}\n".format(
                    **each
                )
            )
            sys.stdout.flush()
        if options.times:
            costs = constants(server.url(server.create_database()), server.folder / "data", options.times)
            for what, milliseconds in costs.items():
                sys.stdout.write(f"{milliseconds:8.2f} ms of the database's CPU for {what}\n")
        if options.large:
            found = large(server.url(server.create_database()), Path(folder), options.large)
            for what, seconds in found.items():
                sys.stdout.write(f"{seconds:8.3f} s  {what}\n")
    sys.stdout.write(
        json.dumps({"cpus": os.cpu_count(), "runs": runs, "costs": costs, "large": found}) + "\n"
    )
    return 0 if all(each["duplicates"] == 0 and each["finished"] == each["trials"] for each in runs) else 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
