"""What the workers' own work costs: trials per second, and the share of time not spent training, on a real
PostgreSQL.

Run it by hand, on an idle machine if you can:

    .venv/bin/python tests/benchmarks/worker_throughput.py

Every worker is a process of its own with the real `Worker`: claims, leases, parameters, reports, results.
What trains is replaced by something light that imports no Keras, reports five epochs and pretends to train by
sleeping, because 64 processes with Keras in them do not fit into the memory of an ordinary machine. So a
trial here costs what Studyhall costs, and neither a pipe nor a checkpoint. The first table has trials that
take no time, so it shows the most that there is; the last line has trials of 1 s, with what is not training
as a share of each worker's own time. Prints a table, and one line of JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.database.retrying import Patience
from studyhall.studies.definition import Definition
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study

AIM = 5.0  # percent of the time with 8 workers and trials of 1 s


@dataclass(frozen=True)
class Run:
    """One measurement; `share` is the percentage of the workers' time not spent training, `cpu_ms` their CPU
    time for a trial.
    """

    workers: int
    trials: int
    trial_seconds: float
    seconds: float
    trials_per_second: float
    share: float
    cpu_ms: float
    finished: int


def work(url: str, name: str, artifacts: Path, seconds: float) -> None:
    """Be one worker: say that it is ready, wait for a line of input, work, and say what the time
    went into.
    """
    from tests.support.trainers import LightTrainer

    study = Study.open(open_storage(url, create=False, patience=Patience(60)), name)
    store = open_artifact_store(str(artifacts), create=True)
    with LightTrainer(seconds) as trainer:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began, busy = time.perf_counter(), time.process_time()
        with Worker(study, trainer, store, lambda event: None, StopSwitch()) as worker:
            worker.run()
        report = {
            "seconds": time.perf_counter() - began,
            "trained": trainer.trained,
            "cpu": time.process_time() - busy,
        }
        sys.stdout.write(json.dumps(report) + "\n")


def measure(url: str, folder: Path, workers: int, trials: int, trial_seconds: float) -> Run:
    """Have so many workers empty a queue of so many trials."""
    from tests.support.trainers import EPOCHS

    name = f"{workers}-workers-{trial_seconds}-s"
    artifacts = folder / name
    definition = Definition.model_validate(
        {"name": name, "search": {"trials": trials}, "sampler": "random", "training": {"epochs": EPOCHS}}
    )
    storage = open_storage(url, create=True)
    study = Study.create_or_join(storage, definition)
    command = [sys.executable, __file__, "--work", name, str(artifacts), str(trial_seconds)]
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"STUDYHALL_STORAGE": url},
        )
        for _ in range(workers)
    ]
    try:
        for each in processes:
            if _line(each) != "ready":
                raise RuntimeError("a worker did not start")
        began = time.perf_counter()
        for each in processes:
            _start(each)
        reports = [json.loads(_line(each)) for each in processes]
        elapsed = time.perf_counter() - began
    finally:
        for each in processes:
            each.kill()
            each.communicate()
    spent, trained, cpu = (sum(report[key] for report in reports) for key in ("seconds", "trained", "cpu"))
    finished = study.counts().complete
    storage.close()
    return Run(
        workers,
        trials,
        trial_seconds,
        round(elapsed, 2),
        round(trials / elapsed, 1),
        round(100 * (1 - trained / spent), 1),
        round(1000 * cpu / trials, 1),
        finished,
    )


def _line(process: "subprocess.Popen[str]") -> str:
    return process.stdout.readline().strip() if process.stdout is not None else ""


def _start(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        process.stdin.write("go\n")
        process.stdin.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 where a trial is missing or was trained too often."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16, 32, 64])
    parser.add_argument("--trials", type=int, default=200, help="in each queue of trials that take no time")
    parser.add_argument("--long-workers", type=int, default=8, help="workers for trials of 1 s")
    parser.add_argument("--long-trials", type=int, default=80, help="trials of 1 s")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)  # what a worker process is started with
    options = parser.parse_args(arguments)
    if options.work:
        name, artifacts, seconds = options.work
        work(os.environ["STUDYHALL_STORAGE"], name, Path(artifacts), float(seconds))
        return 0

    import tempfile

    from tests.support.postgres import running_server

    runs = []
    with (
        tempfile.TemporaryDirectory(prefix="throughput-") as folder,
        running_server(connections=400) as server,
    ):
        url = server.url(server.create_database())
        load = os.getloadavg()[0]
        sys.stdout.write("workers  trials  s each  seconds  trials/s  not training  CPU ms/trial\n")
        plans = [(each, options.trials, 0.0) for each in options.workers]
        for workers, trials, seconds in [*plans, (options.long_workers, options.long_trials, 1.0)]:
            run = measure(url, Path(folder), workers, trials, seconds)
            runs.append(run)
            sys.stdout.write(
                f"{run.workers:7}  {run.trials:6}  {run.trial_seconds:6.1f}  {run.seconds:7.1f}  "
                f"{run.trials_per_second:8.1f}  {run.share:11.1f}%  {run.cpu_ms:12.1f}\n"
            )
            sys.stdout.flush()
    record = {"cpus": os.cpu_count(), "load_before": round(load, 1), "runs": [asdict(run) for run in runs]}
    sys.stdout.write(json.dumps(record) + "\n")
    return 0 if all(run.finished == run.trials for run in runs) else 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
