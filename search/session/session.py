"""Running a study: open or create it, work through its queue, publish the best model."""

import gc
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from studyhall.search.clusters.assignment import Assignment
from studyhall.search.core.events import Waiting
from studyhall.search.core.machine import fault_of
from studyhall.search.notifications.notifier import Notifier, Notifies
from studyhall.search.notifications.webhook import webhook_from
from studyhall.search.processes.signals import status_after
from studyhall.search.processes.stop_switch import StoppedError, StopSwitch
from studyhall.search.processes.trainer_process import (
    TrainerProcess,
    TrainerStoppedError,
)
from studyhall.search.session.publisher import Publisher
from studyhall.search.session.workplace import Workplace, has_work, open_workplace
from studyhall.search.views.narration import exhausted_in_words
from studyhall.search.views.progress import Progress, show_progress
from studyhall.search.workers.budget import Budget, EpochGate
from studyhall.search.workers.local_work import hand_on, work_together
from studyhall.search.workers.settings import WorkerSettings
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.location import artifact_location
from studyhall.studies.bundle.record import published
from studyhall.studies.errors import WORK_FAILED, StorageAwayError, StudyhallError
from studyhall.studies.study_file.reference import StudyReference

if TYPE_CHECKING:  # most sessions work on this machine
    from studyhall.search.clusters.ray.engine import RayEngine

LOOK_SECONDS = 1.0  # how often a search with an empty queue looks whether other workers are done


class Session:
    """One process's work on a study, from its start to its end."""

    def __init__(
        self,
        place: Workplace,
        trainer: TrainerProcess,
        progress: Progress,
        stop: StopSwitch,
        settings: WorkerSettings,
        storage_url: str,
        notifier: Notifies | None = None,
    ) -> None:
        self.place = place
        self._notifier = notifier
        self._storage_url = storage_url
        self.progress = progress
        self._trainer = trainer
        self._stop = stop
        self._settings = settings

    def work(self) -> int | None:
        """Work through the study's queue until it is empty.

        It returns the signal that told this process to stop before; None if none did.
        """
        with self._worker() as worker:
            worker.run()
            if worker.over is not None:
                self.progress.say(f"The worker ends: {worker.over}")
            self._say_if_exhausted()
        return self._stop.signal

    def search(self, engine: "RayEngine | None" = None) -> bool:
        """Work until all trials are finished, whoever trains them, then publish.

        It returns False when told to stop before.

        A bundle that is already there for the best trial is left as it is. With an engine the workers run
        there.
        """
        study = self.place.study
        study.clear_stop()
        study.space.reach()  # nobody need begin where nothing is left to try
        if engine is not None or len(self._settings.slots) > 1:
            self._trainer.stop()  # it has checked the study; the device and the memory are the workers' now
            self._finish_the_queue(self._work_together if engine is None else lambda: self._work_on(engine))
        else:
            with self._worker() as worker:
                self._finish_the_queue(worker.run)
        if self._is_stopped():
            return False
        self._say_if_exhausted()
        best, record = study.best(), published(study.storage, study.id)
        if best is not None and record is not None and record.trial == best.number:
            return True
        return self.publish()

    def _say_if_exhausted(self) -> None:
        if (exhausted := self.place.study.space.exhausted()) is not None:
            self.progress.say(exhausted_in_words(exhausted))

    def _finish_the_queue(self, work: Callable[[], None]) -> None:
        """Work until no trial waits or runs, or the budget is used up and none runs, or told to stop."""
        study = self.place.study
        gate = EpochGate(study, Budget.of(study.definition))
        while not self._is_stopped() and (counts := study.counts()).finished < counts.total:
            over = gate.look()
            if counts.running == 0 and study.rungs.close(spent=over is not None):
                continue
            if over is not None and counts.running == 0:
                self.progress.say(f"The search ends: {over}; {counts.waiting} trials are left in the queue")
                return
            if over is None and study.rungs.any_left():
                try:
                    work()
                except StudyhallError as error:
                    if gate.look() is None:
                        raise
                    self.progress.say(f"{error}")  # what is used up is an end all the same, and no error
                continue
            self.progress.observe(Waiting(counts.running))
            self._stop.wait(LOOK_SECONDS)
            study.trials.reclaim_expired()

    def _work_together(self) -> None:
        place, slots = self.place, self._settings.slots
        environment = hand_on(self._settings, len(slots), self._storage_url, place.artifacts)
        work_together(place.study, slots, environment, self.progress.observe, self._stop)

    def _work_on(self, engine: "RayEngine") -> None:
        engine.work(self._assignment(), self.progress, self._stop)

    def leave_to(self, engine: "RayEngine") -> None:
        """Have an engine's workers work through the queue, and do not wait for them."""
        self.place.study.clear_stop()
        self._trainer.stop()
        if self.place.study.counts().waiting == 0:
            name = shlex.quote(self.place.study.name)
            self.progress.say(
                f"No trial waits for a worker: publish with 'studyhall search {name}', or 'studyhall extend {name}'"
            )
            return
        engine.leave(self._assignment(), self.progress, self._stop)

    def _assignment(self) -> Assignment:
        place = self.place
        return Assignment(place.study, self._storage_url, place.artifacts, self._settings)

    def _is_stopped(self) -> bool:
        return self._stop() or self.place.study.stop_requested()

    def _worker(self) -> Worker:
        return Worker(
            self.place.study,
            self._trainer,
            self.place.store,
            self.progress.observe,
            self._stop,
            lease_seconds=self._settings.lease_seconds,
            device=self._settings.device,
            leaves=self._settings.leaves,
            notifier=self._notifier,
        )

    def finish(self, done: bool, again: str) -> int:
        """Say where the published bundle is, or how to go on, and return the exit status.

        Args:
            done: Whether the work came to its end; False when told to stop before.
            again: The command that goes on from here.
        """
        if done:
            self.progress.say(farewell(self.place))
            return 0
        self.progress.say(stopped(again))
        return self.unfinished

    @property
    def unfinished(self) -> int:
        """The exit status of work that was not done: a signal's, or that of a stop by `studyhall stop`."""
        return WORK_FAILED if self._stop.signal is None else status_after(self._stop.signal)

    @property
    def interrupted(self) -> bool:
        """Whether a signal has told this process to stop."""
        return self._stop.signal is not None

    def publish(self) -> bool:
        """Retrain the best trial and publish the better model.

        It returns False when told to stop before that was done.
        """
        place = self.place
        publisher = Publisher(
            place.study,
            self._trainer,
            place.store,
            self.progress.observe,
            self._stop,
            self._notifier,
            lease_seconds=self._settings.lease_seconds,
        )
        return publisher.publish_best()


@contextmanager
def session(
    reference: StudyReference,
    again: str | None = None,
    *,
    plain: bool,
    settings: WorkerSettings | None = None,
) -> Iterator[Session]:
    """Open a study to work on it; an ending signal stops the work in order, a second one at once.

    Args:
        reference: The study; it is created where its file was named and the storage does not hold it yet.
        again: The command that goes on where this one is stopped; by default a search of the study.
        plain: Show one line per event, even on a terminal.
        settings: The worker's patience, limits and device.

    Raises:
        StoppedError: A signal came in the check, or while the database was away.
        StudyhallError: The study cannot be worked on.
    """
    stop, settings = StopSwitch(), settings or WorkerSettings()
    again = again or f"studyhall search {shlex.quote(reference.name)}"
    stop.last_words = left_at_once(settings.lease_seconds, again)
    webhook = webhook_from()
    with (
        stop.on_signals(),
        nullcontext() if webhook is None else Notifier(webhook) as notifier,
        show_progress(plain=plain, stopped=stop) as progress,
        TrainerProcess(settings.environment, settings.limits) as trainer,
    ):
        if has_work(reference):
            _start_early(trainer)
        try:
            place = open_workplace(reference, trainer, progress.observe, stop)
            yield Session(place, trainer, progress, stop, settings, reference.storage_url, notifier)
        except (TrainerStoppedError, StorageAwayError) as error:
            if stop.signal is None:
                raise
            # A trial in hand goes back when its lease ends.
            progress.say(stopped(again))
            raise StoppedError(stop.signal) from error
    if stop():
        gc.freeze()  # to collect all of it once more at the exit takes most of a second, of the ten that there are


def _start_early(trainer: TrainerProcess) -> None:
    """Start the training process, as its imports take seconds, which opening the study can use."""
    try:
        trainer.start()
    except OSError as error:
        if fault_of(error) is None:
            raise
        # A worker waits for the machine; what cannot wait says so when it needs the process.


def stopped(again: str) -> str:
    """Return what is said of work that was told to stop; `again` is the command that goes on with it."""
    return f"Stopped; nothing is lost. Continue with:\n  {again}"


def left_at_once(lease_seconds: float, again: str) -> str:
    """Return what is said of work that a second signal ends; `again` is the command that goes on with it."""
    return (
        f"Ended at once: a running trial returns to the queue when its lease ends, in {lease_seconds:g} s at most. "
        f"Continue with:\n  {again}"
    )


def farewell(place: Workplace) -> str:
    """Return what to do next with a study whose bundle is published."""
    name = shlex.quote(place.study.name)
    where = f"--storage {shlex.quote(place.storage_url)}{_other_store(place)}"
    bundle = f"best/{name}"
    return "\n".join(
        [
            f"The best model of {place.study.name} is published in {place.artifacts}",
            f"  fetch it:     studyhall fetch {name} {where} --to {bundle}",
            f"  evaluate it:  studyhall evaluate {bundle}",
            f"  look at it:   studyhall serve {name} {where}",
        ]
    )


def _other_store(place: Workplace) -> str:
    """Return the option that names a study's artifact store, or "" where commands find it without."""
    own = artifact_location(place.storage_url, place.study.definition.storage.artifacts)
    same = place.artifacts == own or (
        "://" not in place.artifacts and Path(place.artifacts).absolute() == Path(own)
    )
    return "" if same else f" --artifacts {shlex.quote(place.artifacts)}"
