"""Readers who poll a study's page while workers write trials: python tests/benchmarks/server_load.py.

`studyhall serve` in front of PostgreSQL, a study that has 2,000 complete trials already, 8 worker processes
whose training is one second of sleep, and 200 readers who ask for the page's moving part as often as the page
itself does. Spells with and without readers alternate. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import secrets
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from statistics import median, quantiles

import httpx

STUDY = "bench"
DEFINITION = """
hypermodel = "studyhall.models:SeparationHyperModel"
data = {{ source = "synthetic" }}
search = {{ trials = {trials} }}
"""
FLOAT = '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}'
PARAMETERS, EPOCHS, TRAINING = 5, 4, 1.0  # of a trial; the training in s
POLL = 3.0  # s, as the page of a study that runs


@dataclass
class Spell:
    """What happened in a part of the run."""

    readers: int
    seconds: float = 0.0
    trials: int = 0
    requests: int = 0
    errors: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)  # s

    @property
    def rate(self) -> float:
        """Trials per second."""
        return self.trials / self.seconds


def work(url: str, number: int, ready: Semaphore, go: Event) -> None:
    """Work on trials until the process is ended."""
    from optuna.pruners import NopPruner
    from optuna.samplers import RandomSampler

    from studyhall.studies.storage.study_storage import open_storage
    from studyhall.studies.study.study import Study

    study = Study.open(open_storage(url, create=False), STUDY)
    study.workers.register(f"worker{number}", host="bench", pid=os.getpid(), device="cpu")
    ready.release()
    go.wait()
    while trial := study.trials.claim(lambda n: RandomSampler(seed=n), NopPruner(), worker=f"worker{number}"):
        value = sum(trial.suggest_float(f"x{each}", 0, 1) for each in range(PARAMETERS))
        lease = study.trials.lease_of(trial)
        for epoch in range(1, EPOCHS + 1):
            time.sleep(TRAINING / EPOCHS)
            trial.report(value / epoch, epoch)
            study.trials.renew(lease, epoch=epoch)
        study.workers.seen(f"worker{number}")
        study.results.complete(trial, value)


async def read(client: httpx.AsyncClient, spell: Spell, until: float) -> None:
    """Be one reader: open the page, then look again and again as its script does."""
    known = ""
    await asyncio.sleep(random.uniform(0, POLL))
    path = f"/studies/{STUDY}"
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            answer = await client.get(path, headers={"If-None-Match": known} if known else {})
        except httpx.HTTPError as error:
            spell.errors.append(type(error).__name__)
        else:
            if answer.status_code not in (200, 304):
                spell.errors.append(str(answer.status_code))
            known = answer.headers.get("ETag", "")
        spell.requests += 1
        spell.latencies.append(time.monotonic() - began)
        path = f"/studies/{STUDY}/live"
        await asyncio.sleep(max(0.0, POLL - (time.monotonic() - began)))


async def read_all(address: str, token: str, spell: Spell, seconds: float) -> None:
    """Have all readers read for a while, each over a connection of its own."""
    until = time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {token}"}
    context = ssl.create_default_context()  # for all: to make one takes longer than a request
    async with AsyncExitStack() as open_clients:
        # A client for each: one pool of 200 connections would be the slowest thing here.
        clients = [
            await open_clients.enter_async_context(
                httpx.AsyncClient(base_url=address, headers=headers, verify=context, timeout=30)
            )
            for _ in range(spell.readers)
        ]
        await asyncio.gather(*(read(client, spell, until) for client in clients))


def fill(url: str, folder: Path, done: int, queued: int) -> None:
    """Create the study, with trials that are complete and trials that wait."""
    from studyhall.studies.storage.study_storage import open_storage
    from studyhall.studies.study.study import Study
    from studyhall.studies.study_file.loading import load_definition

    path = folder / f"{STUDY}.toml"
    path.write_text(DEFINITION.format(trials=done + queued))
    storage = open_storage(url, create=True)
    study = Study.create_or_join(storage, load_definition(path))
    first = f"(SELECT trial_id FROM trials WHERE study_id = {study.id} AND number < {done}) AS t"
    started = f"(now() AT TIME ZONE 'utc') - ({done} - number) * interval '1 s'"
    statements = [
        (
            "INSERT INTO trial_values (trial_id, objective, value, value_type) "
            f"SELECT trial_id, 0, random(), 'FINITE' FROM {first}"
        ),
        (
            "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
            f"SELECT trial_id, 'x' || n, random(), '{FLOAT}' FROM {first}, generate_series(0, {PARAMETERS - 1}) n"
        ),
        (
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) "
            f"SELECT trial_id, n, random(), 'FINITE' FROM {first}, generate_series(1, {EPOCHS}) n"
        ),
        (
            f"UPDATE trials SET state = 'COMPLETE', datetime_start = {started}, datetime_complete = {started} "
            f"+ interval '1 s' WHERE study_id = {study.id} AND number < {done}"
        ),
    ]
    storage.transact(lambda connection: [connection.exec_driver_sql(each) for each in statements])
    storage.close()


@contextmanager
def workers_at(url: str, count: int) -> Iterator[None]:
    """Have workers work, from when all of them are ready."""
    context = multiprocessing.get_context("spawn")
    go, ready = context.Event(), context.Semaphore(0)
    processes = [context.Process(target=work, args=(url, n, ready, go), daemon=True) for n in range(count)]
    for process in processes:
        process.start()
    try:
        for _ in processes:
            if not ready.acquire(timeout=180):
                raise TimeoutError("the workers did not start")
        go.set()
        yield
        dead = [process.exitcode for process in processes if not process.is_alive()]
        if dead:
            raise RuntimeError(f"workers ended: {dead}")
    finally:
        for process in processes:
            process.kill()
            process.join()


@contextmanager
def server_at(url: str, folder: Path, token: str) -> Iterator[tuple[str, int]]:
    """Run `studyhall serve`; yield its address and its process's id."""
    tokens = folder / "tokens"
    tokens.write_text(f"reader {token}\n")
    tokens.chmod(0o600)
    command = [sys.executable, "-c", "from studyhall.search.cli import main; main()"]
    with subprocess.Popen(
        [*command, "serve", "--port", "0", "--token-file", str(tokens)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"STUDYHALL_STORAGE": url},
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition(" on ")[2].split()[0], process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def summary(spells: list[Spell]) -> dict[str, float | int]:
    """Return spells of one kind, taken together."""
    seconds, trials = sum(each.seconds for each in spells), sum(each.trials for each in spells)
    latencies = sorted(each for spell in spells for each in spell.latencies)
    found: dict[str, float | int] = {
        "seconds": round(seconds, 1),
        "trials": trials,
        "trials_per_s": round(trials / seconds, 3),
    }
    if latencies:
        found |= {
            "requests": len(latencies),
            "requests_per_s": round(len(latencies) / seconds, 1),
            "errors": sum(len(each.errors) for each in spells),
            "latency_ms_median": round(1000 * median(latencies), 1),
            "latency_ms_p99": round(1000 * quantiles(latencies, n=100)[98], 1),
            "latency_ms_most": round(1000 * latencies[-1], 1),
        }
    return found


def main() -> int:
    """Run it; return 1 where a request failed."""
    from studyhall.studies.status.catalogue import Catalogue
    from tests.support.postgres import running_server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--trials", type=int, default=2000, help="that are complete at the beginning")
    parser.add_argument("--spell", type=float, default=40.0, help="s of each spell")
    parser.add_argument(
        "--pairs", type=int, default=2, help="of spells, one without readers and one with them"
    )
    options = parser.parse_args()
    queued = int(options.workers * (2 * options.pairs + 1) * options.spell / TRAINING) + 100
    token, spells, loads, used, asking = secrets.token_urlsafe(), [], [], 0.0, 0.0
    with tempfile.TemporaryDirectory(prefix="server-load-") as made, running_server() as postgres:
        folder, url = Path(made), postgres.url(postgres.create_database())
        fill(url, folder, options.trials, queued)
        with (
            Catalogue(url) as catalogue,
            server_at(url, folder, token) as (address, pid),
            workers_at(url, options.workers),
        ):
            # A worker's first trials are not like the others.
            warm, patience = options.trials + 3 * options.workers, time.monotonic() + 300
            while catalogue.summary(STUDY).counts.complete < warm and time.monotonic() < patience:
                time.sleep(1)
            for number in range(2 * options.pairs):
                spell = Spell(options.readers if number % 2 else 0)
                loads.append(round(os.getloadavg()[0], 1))
                before, began, cpu = (
                    catalogue.summary(STUDY).counts.complete,
                    time.monotonic(),
                    cpu_seconds(pid),
                )
                own = time.process_time()
                if spell.readers:
                    asyncio.run(read_all(address, token, spell, options.spell))
                else:
                    time.sleep(options.spell)
                spell.seconds = time.monotonic() - began
                spell.trials = catalogue.summary(STUDY).counts.complete - before
                used += cpu_seconds(pid) - cpu if spell.readers else 0.0
                asking += time.process_time() - own if spell.readers else 0.0
                spells.append(spell)
    if not all(each.trials for each in spells):
        sys.exit(f"No trial ended in a spell of {options.spell:.0f} s: this machine has too much else to do.")
    alone = summary([each for each in spells if not each.readers])
    watched = summary([each for each in spells if each.readers])
    record = {
        "readers": options.readers,
        "workers": options.workers,
        "trials_at_the_beginning": options.trials,
        "poll_s": POLL,
        "without_readers": alone,
        "with_readers": watched,
        "rates": [[each.readers, round(each.rate, 3)] for each in spells],
        "fall_percent": round(100 * (1 - watched["trials_per_s"] / alone["trials_per_s"]), 1),
        "server_cpu_share": round(used / watched["seconds"], 3),
        "readers_cpu_share": round(asking / watched["seconds"], 3),
        "errors": sorted({error for each in spells for error in each.errors}),
        "load_average": loads,
        "cores": os.cpu_count(),
    }
    sys.stdout.write(json.dumps(record) + "\n")
    return 1 if record["errors"] else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
