"""A study that is open, and what working on it needs: opened, and created first where it is not there."""

from dataclasses import dataclass

from studyhall.search.core.events import (
    Checking,
    DatabaseAway,
    Lowered,
    NameMade,
    Observer,
    OtherVersions,
    StudyOpened,
    WarmStart,
)
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import (
    TrainerProcess,
    TrainerStoppedError,
)
from studyhall.search.session.dry_run import check
from studyhall.studies.algorithms.factory import check_packages
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database.retrying import WORKER_PATIENCE_SECONDS, Patience
from studyhall.studies.errors import StorageError, StudyNotFoundError
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.queries import counts
from studyhall.studies.study.earlier_studies import Earlier, fitting
from studyhall.studies.study.opening import earlier_configurations, existing_study, open_study, study_exists
from studyhall.studies.study.study import Study
from studyhall.studies.study.versions import remark
from studyhall.studies.study_file.code_files import located
from studyhall.studies.study_file.reference import StudyReference

HURRY_SECONDS = 5.0  # how long a worker that was told to stop still waits for the database


@dataclass(frozen=True)
class Workplace:
    """A study that is open, and what working on it needs.

    `storage_url` holds no password.
    """

    study: Study
    store: ArtifactStore
    storage_url: str
    artifacts: str


def has_work(reference: StudyReference) -> bool:
    """Whether a training process is needed at once, as far as a look at the database can tell.

    It is not for a study of which no trial waits; what it needs later is started then.
    """
    try:
        with Catalogue(reference.storage_url) as catalogue:
            waiting = catalogue.read(
                lambda connection: counts(connection, catalogue.id_of(connection, reference.name)).waiting
            )
    except (StorageError, StudyNotFoundError):  # it is to be created, or the database is waited for
        return True
    return waiting > 0


def open_workplace(
    reference: StudyReference, trainer: TrainerProcess, observe: Observer, stop: StopSwitch
) -> Workplace:
    """Open a study, and create it first where its file was named and the storage does not hold it yet.

    Before a study is created, its default model is built and trained for two batches: what cannot work is
    refused while nothing is made.

    Raises:
        TrainerStoppedError: It was told to stop before the study was created.
        StudyhallError: The definition, the HyperModel, the data, the artifact store or the storage is not
            usable.
    """
    patience = Patience(WORKER_PATIENCE_SECONDS, lambda error: observe(DatabaseAway(str(error))))
    stop.on_set(lambda: patience.hurry(HURRY_SECONDS))
    if reference.definition is None:
        with existing_study(reference.storage_url, reference.name, patience) as study:
            stored = study.definition
        # Its files are read again: code that was edited since would give other results.
        definition, created = located(stored, reference.project or stored.folder), False
    else:
        definition = reference.definition
        created = not study_exists(reference.storage_url, reference.name, patience)
    if reference.asked is not None:
        observe(NameMade(reference.asked, reference.name))
    check_packages(definition)
    warm: list[Earlier] = []
    if created:
        observe(Checking())
        found = earlier_configurations(definition, reference.storage_url)
        checked = check(definition, trainer, [each.values for study in found for each in study], stop)
        if stop():
            raise TrainerStoppedError  # before anything is made
        warm = fitting(found, checked.misfits, definition.from_study)
        if found:
            observe(WarmStart(len(warm), sum(why is not None for why in checked.misfits)))
    artifacts = reference.store_location(definition.storage.artifacts)
    study, store = open_study(
        reference.storage_url, artifacts, definition, patience, [each.values for each in warm]
    )
    observe(StudyOpened(study.name, study.storage.address.shown, created, study.counts()))
    if study.withdrawn:
        observe(Lowered(definition.search.trials, study.withdrawn))
    if (others := remark(study.versions())) is not None:
        observe(OtherVersions(others))
    return Workplace(study, store, study.storage.address.shown, artifacts)
