"""A storm over one study: blows in their turn, workers replaced, and trials added until the time is up."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from studyhall.studies.database.optuna_tables import RUNNING, trials
from studyhall.studies.database.retrying import Patience
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.errors import StorageError
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import load_definition
from tests.acceptance.chaos import project, schedule
from tests.acceptance.chaos.crew import Crew, Hand
from tests.acceptance.chaos.schedule import Blow
from tests.support.postgres import PostgresServer

ENOUGH_INTERRUPTIONS = 2  # one more, and the trial would rightly be given up: its worker is spared
AFTERMATH_SECONDS = 8.0  # after an outage, until everybody has tried again and reported
START_SECONDS = 300.0  # in which all workers must train
DRAIN_SECONDS = 120.0  # after the last blow, until the study must be done
LOCKED_SECONDS = 2.0  # for which a blow locks SQLite
LEAVE_SECONDS = 60.0  # after that, until all workers have left


@dataclass(frozen=True)
class Hit:
    """A trial that lost its worker, and how many of its epochs had to be reported then."""

    trial_id: int
    owed: int


@dataclass(frozen=True)
class Weather:
    """How strong a storm is, and where it is drawn from."""

    seed: int
    seconds: float
    workers: int
    mean_gap: float = 7.0
    calm: float = 1.0
    lease: float = 10.0
    epochs: int = 6
    pause: float = 0.1
    factor: int | None = None  # between the rungs at which trials pause, if they do

    @property
    def blows(self) -> list[Blow]:
        """What is to happen."""
        return schedule.draw(self.seed, self.seconds, self.mean_gap, self.calm)


@dataclass
class Storm:
    """One run of it; `happened`, `hits` and `asked` are what the invariants are checked against."""

    weather: Weather
    server: PostgresServer | None  # None on SQLite
    url: str
    folder: Path
    happened: dict[str, int] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    asked: int = 0
    outages: list[tuple[float, float]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def prepare(self, trials: int) -> Study:
        """Make the study, with so many trials to begin with."""
        self.asked = trials
        weather = self.weather
        file = project.write(
            self.folder, trials=trials, epochs=weather.epochs, pause=weather.pause, factor=weather.factor
        )
        storage = open_storage(self.url, create=True, patience=Patience(60.0))
        return Study.create_or_join(storage, load_definition(file))

    def crew(self) -> Crew:
        """The workers, none of which is there yet."""
        self.scratch.mkdir(exist_ok=True)
        environment = os.environ | {
            "CHAOS_NOTES": str(self.folder / "notes"),
            "CUDA_VISIBLE_DEVICES": "",
            "KERAS_BACKEND": "jax",  # its processes start in half the time of TensorFlow's
            "PYTHONUNBUFFERED": "1",
            "STUDYHALL_ARTIFACTS": str(self.folder / "artifacts"),
            "STUDYHALL_LEASE_SECONDS": f"{self.weather.lease}",
            "STUDYHALL_STORAGE": self.url,
            "TMPDIR": str(self.scratch),
        }
        return Crew(self.folder, environment, self.weather.workers)

    @property
    def scratch(self) -> Path:
        """The workers' folder for temporary files; only where it is a disk of its own, it gets full."""
        return self.folder / "tmp"

    def run(self) -> Study:
        """Let it blow over, and the work be finished; return the study."""
        study = self.prepare(2 * self.weather.workers)
        with self.crew() as crew:
            crew.replace()
            self.await_trials(study, self.weather.workers)
            self._blow(study, crew)
            self.drain(study, crew)
            self.complaints += crew.complaints()
        return study

    def await_trials(self, study: Study, number: int) -> None:
        """Wait until so many trials train."""
        end = time.monotonic() + START_SECONDS
        while len({name for name, _, _ in project.notes_of(self.folder)}) < number:
            assert time.monotonic() < end, f"{study.counts()} after {START_SECONDS:g} s"
            time.sleep(0.1)

    def _blow(self, study: Study, crew: Crew) -> None:
        weather, blows, ends = self.weather, self.weather.blows, dict[float, Callable[[], object]]()
        start = time.monotonic()
        while (now := time.monotonic() - start) < weather.seconds or ends:
            crew.replace()
            crew.watch()
            for due in [each for each in ends if each <= now]:
                ends.pop(due)()
            counts = study.counts()
            if now < weather.seconds and counts.waiting - counts.paused < 2 * weather.workers:
                self.asked += len(study.extend(weather.workers))
            if blows and blows[0].seconds <= now:
                undo = self._strike(blows.pop(0), study, crew)
                if undo is not None:
                    ends[time.monotonic() - start + weather.lease * 1.3] = undo
            time.sleep(0.1)

    def drain(self, study: Study, crew: Crew) -> None:
        """Have the workers finish what is left."""
        end = time.monotonic() + DRAIN_SECONDS
        while (counts := study.counts()).waiting + counts.running > 0:
            if time.monotonic() > end:
                self.complaints.append(f"after {DRAIN_SECONDS:g} s the study stood at {counts}")
                return
            crew.watch()
            study.trials.reclaim_expired()
            if counts.waiting > 0 and len(crew.alive) < min(counts.waiting, self.weather.workers):
                crew.replace()
            time.sleep(0.2)
        end = time.monotonic() + LEAVE_SECONDS
        while crew.alive and time.monotonic() < end:
            crew.watch()
            time.sleep(0.1)

    def _strike(self, blow: Blow, study: Study, crew: Crew) -> Callable[[], object] | None:
        """Do it, if there is anybody to do it to; return what ends it, where it lasts."""
        if blow.action in (schedule.RESTART_FAST, schedule.RESTART_IMMEDIATE):
            self._count(blow)
            self._restart(fast=blow.action == schedule.RESTART_FAST)
            return None
        if blow.action == schedule.FILL:
            if not self.scratch.is_mount():
                return None
            self._count(blow)
            self._note_hits(study, crew)
            ballast = _fill(self.scratch / "ballast")

            def empty() -> None:
                self._note_hits(study, crew)  # of those that began meanwhile
                ballast.unlink(missing_ok=True)

            return empty
        held = self.held(study)
        eligible = [
            hand
            for hand in crew.alive
            if hand.is_at_work
            and (blow.action != schedule.KILL_TRAINER or hand.trainer is not None)
            and held.get(hand.process.pid, (0, 0))[1] < ENOUGH_INTERRUPTIONS
        ]
        if not eligible:
            return None
        hand = eligible[int(blow.victim * len(eligible))]
        self._count(blow)
        if blow.action == schedule.QUIT:
            hand.ask_for_stacks()
            return None
        if blow.action == schedule.STOP_WORKER:
            hand.stop()
            return None
        self.note_hit(study, hand, held)
        if blow.action == schedule.KILL_WORKER:
            hand.kill()
        elif blow.action == schedule.KILL_TRAINER:
            hand.kill_trainer()
        else:
            hand.freeze()
            return hand.thaw
        return None

    def _restart(self, *, fast: bool) -> None:
        began = time.time()
        if self.server is not None:
            self.server.stop("fast" if fast else "immediate")
            self.server.start()
        else:
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=60)) as connection:
                connection.execute("BEGIN EXCLUSIVE")
                time.sleep(LOCKED_SECONDS)
        self.outages.append((began, time.time()))

    def _note_hits(self, study: Study, crew: Crew) -> None:
        held = self.held(study)
        for hand in crew.alive:
            self.note_hit(study, hand, held)

    def note_hit(self, study: Study, hand: Hand, held: dict[int, tuple[int, int]]) -> None:
        """Note that a worker, its trainer or its disk is about to be hit; `held` says what it holds."""
        if (trial := held.get(hand.process.pid)) is not None:
            self.hits.append(Hit(trial[0], self._owed(study, trial[0])))

    def _count(self, blow: Blow) -> None:
        self.happened[blow.action] = self.happened.get(blow.action, 0) + 1

    def held(self, study: Study) -> dict[int, tuple[int, int]]:
        """Who holds which trial: for each worker's process, the trial's id and how often it was
        interrupted.
        """
        query = (
            select(leases.c.worker, leases.c.trial_id, leases.c.interruptions)
            .join(trials, trials.c.trial_id == leases.c.trial_id)
            .where(trials.c.state == RUNNING, leases.c.token.is_not(None))
        )
        with suppress(StorageError):
            rows = study.storage.read(lambda connection: connection.execute(query).all())
            return {int(row.worker.rsplit("-", 2)[1]): (row.trial_id, row.interruptions) for row in rows}
        return {}

    def _owed(self, study: Study, trial_id: int) -> int:
        """How many epochs of a trial ended while the database was away, and may not be reported yet."""
        if not self.outages or time.time() - self.outages[-1][1] > AFTERMATH_SECONDS:
            return 0
        rate = repr(study.storage.get_trial(trial_id).params.get("rate"))
        since = self.outages[-1][0]
        return sum(name == rate and when >= since for name, _, when in project.notes_of(self.folder))


def _fill(ballast: Path) -> Path:
    """Fill a disk by a file."""
    with suppress(OSError), open(ballast, "wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    return ballast
