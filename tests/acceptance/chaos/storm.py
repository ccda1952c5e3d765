"""A storm over one study: blows in their turn, workers replaced, and trials added until the time is up."""

import os
import time
from contextlib import suppress
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
    server: PostgresServer
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
        (self.folder / "tmp").mkdir()
        environment = os.environ | {
            "CHAOS_NOTES": str(self.folder / "notes"),
            "CUDA_VISIBLE_DEVICES": "",
            "KERAS_BACKEND": "jax",  # its processes start in half the time of TensorFlow's
            "PYTHONUNBUFFERED": "1",
            "STUDYHALL_ARTIFACTS": str(self.folder / "artifacts"),
            "STUDYHALL_LEASE_SECONDS": f"{self.weather.lease}",
            "STUDYHALL_STORAGE": self.url,
            "TMPDIR": str(self.folder / "tmp"),
        }
        return Crew(self.folder, environment, self.weather.workers)

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
        weather, blows, thaws = self.weather, self.weather.blows, dict[float, Hand]()
        start = time.monotonic()
        while (now := time.monotonic() - start) < weather.seconds or thaws:
            crew.replace()
            crew.watch()
            for due in [each for each in thaws if each <= now]:
                thaws.pop(due).thaw()
            counts = study.counts()
            if now < weather.seconds and counts.waiting - counts.paused < 2 * weather.workers:
                self.asked += len(study.extend(weather.workers))
            if blows and blows[0].seconds <= now:
                frozen = self._strike(blows.pop(0), study, crew)
                if frozen is not None:
                    thaws[time.monotonic() - start + weather.lease * 1.3] = frozen
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

    def _strike(self, blow: Blow, study: Study, crew: Crew) -> Hand | None:
        """Do it, if there is anybody to do it to; return who was frozen."""
        if blow.action in (schedule.RESTART_FAST, schedule.RESTART_IMMEDIATE):
            began = time.time()
            self.server.stop("fast" if blow.action == schedule.RESTART_FAST else "immediate")
            self.server.start()
            self.outages.append((began, time.time()))
            self._count(blow)
            return None
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
            return hand
        return None

    def note_hit(self, study: Study, hand: Hand, held: dict[int, tuple[int, int]]) -> None:
        """Note that a worker, or its training process, is about to be hit; `held` says what it holds."""
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
