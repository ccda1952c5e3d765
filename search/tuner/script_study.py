"""The study of a Tuner: opened, created, or made anew."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras_tuner

from studyhall.search.tuner.errors import RELOADED, NoWeightsError, ProjectConflictError
from studyhall.search.tuner.objective import UNNAMED
from studyhall.search.tuner.plan import Plan
from studyhall.search.tuner.project_folder import ProjectFolder
from studyhall.search.tuner.script_definition import OracleSeed, going_on, with_trials
from studyhall.studies.algorithms.factory import check_packages
from studyhall.studies.artifacts.attachments import recorded
from studyhall.studies.artifacts.location import artifact_location
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database.address import parse
from studyhall.studies.database.retrying import WORKER_PATIENCE_SECONDS, Patience
from studyhall.studies.definition import Definition
from studyhall.studies.definition.search_sections import ARTIFACTS
from studyhall.studies.definition.signature import differences
from studyhall.studies.errors import ArtifactError, StudyConflictError
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.earlier_studies import fitting
from studyhall.studies.study.opening import earlier_configurations, existing_study, open_study, study_exists
from studyhall.studies.study.store_marker import marker_of
from studyhall.studies.study.study import Study
from studyhall.studies.values import Value


@dataclass(frozen=True)
class OpenedStudy:
    """A script's study, opened.

    Attributes:
        study: The study.
        store: Its artifact store.
        is_new: Whether it was created just now.
        conflict: Why the script cannot search in it, for people; None where it can. Its results can be read
            all the same, but for its files where there is no store.
    """

    study: Study
    store: ArtifactStore | None
    is_new: bool
    conflict: str | None = None

    def kept_models(self, most: int) -> KeptModels:
        """Return the weights of the best trials.

        Args:
            most: Of how many they are kept.

        Raises:
            NoWeightsError: The artifact store is gone, or is another study's.
        """
        if self.store is None:
            raise NoWeightsError(
                f"the weights of study {self.study.name!r} are gone: {self.conflict}. {RELOADED}"
            )
        return KeptModels(self.study, self.store, most)


@dataclass(frozen=True)
class ScriptStudy:
    """The study that a script asks for.

    Attributes:
        definition: What it would make a study of.
        artifacts: The artifact store, a folder or a URL; None for a folder beside the database.
        max_trials: How many trials it says that the study has, or None.
        seed: Likewise, its seed.
        overwrite: Whether a study of that name is removed first.
        plan: Says how many trials there are where the script does not.
        folder: Its project's folder.
    """

    definition: Definition
    artifacts: str | Path | None
    max_trials: int | None
    seed: int | None
    overwrite: bool
    plan: Plan
    folder: ProjectFolder

    def opened(
        self,
        learn: Callable[[], keras_tuner.HyperParameters],
        misfits: Callable[[list[dict[str, Value]]], list[str | None]],
    ) -> OpenedStudy:
        """Open the study and its artifact store; create them where they are not there.

        Args:
            learn: Returns all hyperparameters that can be known before the first trial. It is asked before a
                study is created: what cannot be searched is refused while there is none.
            misfits: Says of configurations of earlier studies why each cannot be built, None if it can.

        Raises:
            StudyhallError: As for `open_or_create`.
        """

        def new() -> Definition:
            space = learn()
            trials = self.plan.trials(space) if self.max_trials is None else None
            return self.definition if trials is None else with_trials(self.definition, trials)

        url = self.definition.storage.url
        # What an oracle of KerasTuner has as its seed, it may have drawn by itself.
        seed = None if isinstance(self.seed, OracleSeed) else self.seed
        return open_or_create(
            url,
            artifact_location(url, str(self.artifacts or ARTIFACTS)),
            self.definition,
            new=new,
            going_on=functools.partial(going_on, self.definition, max_trials=self.max_trials, seed=seed),
            overwrite=self.overwrite,
            misfits=misfits,
            folder=self.folder,
        )


def open_or_create(
    storage_url: str,
    artifacts: str,
    definition: Definition,
    *,
    new: Callable[[], Definition],
    going_on: Callable[[Definition], Definition],
    overwrite: bool,
    misfits: Callable[[list[dict[str, Value]]], list[str | None]],
    folder: ProjectFolder,
) -> OpenedStudy:
    """Open the study that a script names, and create it where it is not there.

    One that is there is left as it is. Where the script would search otherwise than it was searched, it is
    opened to be read.

    Args:
        storage_url: The database.
        artifacts: The artifact store.
        definition: What the script asks for.
        new: Returns what it makes a study of, which may take the model.
        going_on: Returns the definition with which it goes on with a study that is there, given the study's.
        overwrite: Whether a study of that name is removed first, with everything that was kept of it.
        misfits: Says of configurations of earlier studies why each cannot be built, None if it can.
        folder: The project's folder, which is removed with the study if it came with it.

    Raises:
        StudyhallError: The storage or the artifact store cannot be used, the study is another one, or it is
            to be removed while others work on it.
    """
    check_packages(definition)
    patience = Patience(WORKER_PATIENCE_SECONDS)
    stored = None if overwrite else _stored(storage_url, definition.name, patience)
    if stored is None:
        definition = new()
        found = earlier_configurations(definition, storage_url)
        reasons = misfits([each.values for study in found for each in study])
        warm = [each.values for each in fitting(found, reasons, definition.from_study)]
        if overwrite:
            _remove(storage_url, artifacts, definition.name, patience, folder)
        try:
            was_there = folder.is_there
            created = open_study(storage_url, artifacts, definition, patience, warm, rebudget=False)
            if not was_there:
                folder.belong_to(created[0])
            return OpenedStudy(*created, is_new=True)
        except StudyConflictError:
            # Another process of the script, which draws a seed of its own, may have created it meanwhile.
            stored = _stored(storage_url, definition.name, patience)
            if stored is None:
                raise
    return _joined(storage_url, artifacts, stored, going_on(stored), patience)


def _joined(
    storage_url: str, artifacts: str, stored: Definition, wanted: Definition, patience: Patience
) -> OpenedStudy:
    """Open a study that is there, to be read at the least."""
    conflict = _conflict(storage_url, stored, wanted)
    judged = (wanted.metrics, wanted.directions)
    if conflict is not None and judged not in ((UNNAMED, ("minimize",)), (stored.metrics, stored.directions)):
        raise ProjectConflictError(conflict)  # its trials would be ranked by what they were not judged by
    try:
        joined = wanted if conflict is None else stored
        return OpenedStudy(
            *open_study(storage_url, artifacts, joined, patience, rebudget=False),
            is_new=False,
            conflict=conflict,
        )
    except ArtifactError as error:
        study = Study.open(open_storage(storage_url, create=False, patience=patience), wanted.name)
        return OpenedStudy(
            study, None, is_new=False, conflict=str(error).replace("--artifacts", "artifacts=...")
        )


def _conflict(storage_url: str, stored: Definition, wanted: Definition) -> str | None:
    """Return why a script cannot search in a study that is there; None where it can."""
    found = differences(stored, wanted, where="script")
    if not found:
        return None
    return (
        f"Study {stored.name!r} in {parse(storage_url).shown} was searched otherwise: {'; '.join(found)}. Undo that, choose "
        "another name, or pass `overwrite=True`, which removes the study and starts afresh."
    )


def _stored(storage_url: str, name: str, patience: Patience) -> Definition | None:
    """Return the definition of a study that is there, or None."""
    if not study_exists(storage_url, name, patience):
        return None
    with existing_study(storage_url, name, patience) as study:
        return study.definition


def _remove(storage_url: str, artifacts: str, name: str, patience: Patience, folder: ProjectFolder) -> None:
    """Remove a study, if it is there: its rows first, so that none names a file that is gone."""
    if not study_exists(storage_url, name, patience):
        return
    with existing_study(storage_url, name, patience) as study:
        if workers := study.workers.alive():
            raise StudyConflictError(
                f"Study {name!r} in {study.storage.address.shown} is not overwritten while {len(workers)} processes work on it: "
                f"end them first (one that was killed counts for up to {LEASE_SECONDS:.0f} s), or give another study_name"
            )
        storage = study.storage
        with storage.explained():
            trials = study.optuna().get_trials(deepcopy=False)
            recording = [storage.get_study_system_attrs(study.id), *(trial.system_attrs for trial in trials)]
            kept = [artifact_id for each in recording for artifact_id in recorded(each)]
            marker = storage.read(lambda connection: marker_of(connection, name))
            goes_too = folder.belongs_to(study)
            storage.delete_study(study.id)
    store = open_artifact_store(artifacts, create=True)
    for artifact_id in [*kept, *filter(None, [marker])]:
        store.remove(artifact_id)
    if goes_too:
        database = parse(storage_url).path
        folder.remove([each.resolve() for each in (database, Path(artifacts)) if each is not None])
