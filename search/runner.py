"""Running a study: open or create it, work through its queue, publish the best model."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from studyhall.search.channel import CheckTask, Job
from studyhall.search.events import Checking, DatabaseAway, Observer, StudyOpened, Waiting, WarmStart
from studyhall.search.opening import earlier_configurations, open_study
from studyhall.search.outcome import Checked
from studyhall.search.progress import Progress, show_progress
from studyhall.search.publication import Publisher
from studyhall.search.references import StudyReference
from studyhall.search.settings import WorkerSettings
from studyhall.search.stop_switch import StopSwitch
from studyhall.search.trainer_process import TrainerCrashedError, TrainerProcess, scratch_folder
from studyhall.search.worker import Worker
from studyhall.studies.address import parse
from studyhall.studies.algorithms import check_packages
from studyhall.studies.artifact_store import ArtifactStore
from studyhall.studies.bundle_record import published
from studyhall.studies.catalogue import Catalogue
from studyhall.studies.definition import Definition, Value
from studyhall.studies.earlier import Earlier, fitting
from studyhall.studies.errors import UserCodeError
from studyhall.studies.locations import artifact_location
from studyhall.studies.origin import located
from studyhall.studies.results import best_trial
from studyhall.studies.retrying import WORKER_PATIENCE_SECONDS, Patience
from studyhall.studies.storage import open_storage
from studyhall.studies.study import Study

HURRY_SECONDS = 5.0  # how long a worker that was told to stop still waits for the database
LOOK_SECONDS = 1.0  # how often a search with an empty queue looks whether other workers are done


@dataclass(frozen=True)
class Workplace:
    """A study that is open, and what working on it needs.

    `storage_url` holds no password.
    """

    study: Study
    store: ArtifactStore
    storage_url: str
    artifacts: str


def open_workplace(
    reference: StudyReference, trainer: TrainerProcess, observe: Observer, stop: StopSwitch
) -> Workplace:
    """Open a study, and create it first where its file was named and the storage does not hold it yet.

    Before a study is created, its default model is built and trained for two batches: what cannot work is refused while nothing is made.

    Raises:
        StudyhallError: the definition, the HyperModel, the data, the artifact store or the storage is not usable.
    """
    if reference.definition is None:
        stored = Study.open(open_storage(reference.storage_url, create=False), reference.name).definition
        # Its files are read again: code that was edited since would give other results.
        definition, created = located(stored, stored.folder), False
    else:
        definition, created = reference.definition, not _exists(reference)
    check_packages(definition)
    warm: list[Earlier] = []
    if created:
        observe(Checking())
        found = earlier_configurations(definition, reference.storage_url)
        checked = check(definition, trainer, [each.values for study in found for each in study])
        warm = fitting(found, checked.misfits, definition.from_study)
        if found:
            observe(WarmStart(len(warm), sum(why is not None for why in checked.misfits)))
    artifacts = reference.artifacts or artifact_location(reference.storage_url, definition.storage.artifacts)
    patience = Patience(WORKER_PATIENCE_SECONDS, lambda error: observe(DatabaseAway(str(error))))
    stop.on_set(lambda: patience.hurry(HURRY_SECONDS))
    study, store = open_study(
        reference.storage_url, artifacts, definition, patience, [each.values for each in warm]
    )
    study.clear_stop()
    observe(StudyOpened(study.name, study.storage.address.shown, created, study.counts()))
    return Workplace(study, store, study.storage.address.shown, artifacts)


def check(
    definition: Definition, trainer: TrainerProcess, configurations: Sequence[Mapping[str, Value]] = ()
) -> Checked:
    """Build the definition's default model and train two batches, in the training process.

    Args:
        definition: the study's definition.
        trainer: the training process.
        configurations: more of them; `misfits` says why each of them cannot be built, if so.

    Raises:
        UserCodeError: that fails, or training does not report the objective's metric.
    """
    with scratch_folder() as scratch:
        try:
            checked: Checked = trainer.run(
                CheckTask(Job(definition, scratch), tuple(map(dict, configurations))), None, lambda: False
            )
        except TrainerCrashedError as crash:
            error = UserCodeError(f"{definition.hypermodel.path} ends its process: {crash.reason}")
            error.add_note(crash.output)
            raise error from crash
    return checked


class Session:
    """One process's work on a study, from its start to its end."""

    def __init__(
        self,
        place: Workplace,
        trainer: TrainerProcess,
        progress: Progress,
        stop: StopSwitch,
        settings: WorkerSettings,
    ) -> None:
        self.place = place
        self.progress = progress
        self._trainer = trainer
        self._stop = stop
        self._settings = settings

    def work(self) -> bool:
        """Work through the study's queue until it is empty; False when told to stop before."""
        with self._worker() as worker:
            worker.run()
        return not self._stop()

    def search(self) -> bool:
        """Work until all trials are finished, whoever trains them, then publish; False when told to stop before.

        A bundle that is already there for the best trial is left as it is.
        """
        study = self.place.study
        with self._worker() as worker:
            worker.run()
            while not self._is_over() and (counts := study.counts()).finished < counts.total:
                if counts.waiting == 0:
                    self.progress.observe(Waiting(counts.running))
                    self._stop.wait(LOOK_SECONDS)
                worker.run()
        if self._is_over():
            return False
        best, record = best_trial(study), published(study.storage, study.id)
        if best is not None and record is not None and record.trial == best.number:
            return True
        return self.publish()

    def _is_over(self) -> bool:
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
        )

    def finish(self, done: bool, again: str) -> int:
        """Say where the published bundle is, or how to go on, and return the exit status.

        Args:
            done: whether the work came to its end; False when told to stop before.
            again: the command that goes on from here.
        """
        if done:
            self.progress.say(farewell(self.place))
        else:
            self.progress.say(f"Stopped; nothing is lost. Go on with:\n  {again}")
        return 0

    def publish(self) -> bool:
        """Retrain the best trial and publish the better model; False when told to stop before that was done."""
        place = self.place
        publisher = Publisher(place.study, self._trainer, place.store, self.progress.observe, self._stop)
        return publisher.publish_best()


@contextmanager
def session(
    reference: StudyReference, *, plain: bool, settings: WorkerSettings | None = None
) -> Iterator[Session]:
    """Open a study to work on it; SIGINT and SIGTERM stop the work in order, a second one at once.

    Args:
        reference: the study; it is created where its file was named and the storage does not hold it yet.
        plain: show one line per event, even on a terminal.
        settings: the worker's patience, limits and device.

    Raises:
        StudyhallError: the study cannot be worked on.
    """
    stop, settings = StopSwitch(), settings or WorkerSettings()
    with (
        stop.on_signals(),
        show_progress(plain=plain) as progress,
        TrainerProcess(settings.environment, settings.limits) as trainer,
    ):
        trainer.start()  # its imports take seconds, which opening the study can use
        place = open_workplace(reference, trainer, progress.observe, stop)
        yield Session(place, trainer, progress, stop, settings)


def farewell(place: Workplace) -> str:
    """Return what to do next with a study whose bundle is published."""
    name, url = shlex.quote(place.study.name), shlex.quote(place.storage_url)
    bundle = f"best/{name}"
    return "\n".join(
        [
            f"The best model of {place.study.name} is published in {place.artifacts}",
            f"  fetch it:     studyhall fetch {name} --storage {url} --to {bundle}",
            f"  evaluate it:  studyhall evaluate {bundle}",
            f"  watch all:    optuna-dashboard {url} --artifact-dir {shlex.quote(place.artifacts)}",
        ]
    )


def _exists(reference: StudyReference) -> bool:
    address = parse(reference.storage_url)
    if address.path is not None and not address.path.exists():
        return False
    with Catalogue(reference.storage_url) as catalogue:
        return reference.name in catalogue.names()
