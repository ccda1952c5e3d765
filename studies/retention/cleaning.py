"""What a study no longer needs in the artifact store: found first, so that it can be shown, then removed."""

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from studyhall.studies.artifacts.attachments import detach, recorded
from studyhall.studies.artifacts.store import ArtifactStore, StoredFile
from studyhall.studies.bundle.publishing import unpublished
from studyhall.studies.errors import BundleError
from studyhall.studies.queue import reclaiming
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.retention.named_artifacts import named
from studyhall.studies.study.study import Study

OLD_SECONDS = 24 * 3600.0
"""How old a file must be that no record names: far older than a worker waits for its database."""

_MODEL_FILE = re.compile(r"trial-\d+-(model\.keras|model\.weights\.h5)")  # as best_models.py names them


class Kind(StrEnum):
    """What a file is that can go, for people."""

    CHECKPOINT = "checkpoint that no trial needs"
    MODEL = "model of a trial that is not among the best"
    LOST_MODEL = "model of a worker that was killed before it recorded it"
    DRAFT = "part of a bundle that was never published"
    UNFINISHED = "left by a writer that was killed"
    UNNAMED = "named by no study of this storage"


@dataclass(frozen=True)
class Rubbish:
    """A file that can go; `size` is in bytes, 0 where the store has lost it already."""

    name: str
    size: int
    kind: Kind


class Cleaning:
    """Finds and removes what one study no longer needs, while workers work on it or not.

    What a record says is not needed can go at once. What no record names is left alone until it is old,
    because somebody may be about to record it; and what another storage may have put there is found apart, as
    UNNAMED.

    Args:
        study: The study.
        store: Its artifact store, which others may share.
        keep_models: Of how many of the best trials the models are needed; None for what the study's
            definition says.
        old_seconds: From when on something is old.
        clock: Seconds since 1970, as the store's.
    """

    def __init__(
        self,
        study: Study,
        store: ArtifactStore,
        *,
        keep_models: int | None = None,
        old_seconds: float = OLD_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._study = study
        self._store = store
        self._old_seconds = old_seconds
        self._clock = clock
        self._models = KeptModels(study, store, keep_models)

    def find(self) -> list[Rubbish]:
        """Return what can go, by its kind; nothing is changed.

        Raises:
            ArtifactError: The store cannot be listed.
            StorageError: The database fails.
        """
        # The store before the records: what is recorded meanwhile is then known to be.
        held = {each.id: each for each in self._store.files()}
        before = self._clock() - self._old_seconds
        old = {name: each for name, each in held.items() if each.modified < before}
        found: dict[str, Rubbish] = {}
        for name, kind in self._found(held, old):
            size = held[name].size if name in held else 0
            found.setdefault(name, Rubbish(name, size, kind))
        return list(found.values())

    def _found(
        self, held: Mapping[str, StoredFile], old: Mapping[str, StoredFile]
    ) -> Iterator[tuple[str, Kind]]:
        storage = self._study.storage
        for artifact_id in storage.read(self._checkpoints):
            yield artifact_id, Kind.CHECKPOINT
        for model in self._models.beyond():
            yield model.artifact_id, Kind.MODEL
        for artifact_id in self._lost_models():
            if artifact_id in old:
                yield artifact_id, Kind.LOST_MODEL
        for artifact_id in self._draft():
            if artifact_id in old:  # otherwise somebody may be publishing it
                yield artifact_id, Kind.DRAFT
        needed = storage.read(named)
        for each in old.values():
            if not each.complete:
                yield each.id, Kind.UNFINISHED
            elif each.id not in needed:
                yield each.id, Kind.UNNAMED

    def _checkpoints(self, connection: Connection) -> list[str]:
        ended = reclaiming.checkpoints_of_ended_trials(connection, self._study.id)
        return list(dict.fromkeys([*reclaiming.left_over(connection, self._study.id), *ended]))

    def _lost_models(self) -> list[str]:
        """Return models that are attached to the study without a record that they are kept."""
        kept = {model.artifact_id for model in self._models.all()}
        files = recorded(self._study.storage.get_study_system_attrs(self._study.id))
        return [
            artifact_id
            for artifact_id, filename in files.items()
            if artifact_id not in kept and _MODEL_FILE.fullmatch(filename)
        ]

    def _draft(self) -> tuple[str, ...]:
        try:
            return unpublished(self._study.storage, self._study.id)
        except BundleError:  # a record that is damaged may name any of them
            return ()

    def remove(self, shown: Collection[Rubbish]) -> list[Rubbish]:
        """Remove what can go and was shown; return what has gone. It may be interrupted, and done again.

        Raises:
            ArtifactError: The store refuses.
            StorageError: The database fails.
        """
        study, store = self._study, self._store
        agreed = {each.name for each in shown}
        found = [each for each in self.find() if each.name in agreed]
        of = {kind: [each.name for each in found if each.kind is kind] for kind in Kind}
        study.storage.transact(lambda connection: reclaiming.drop_ended(connection, study.id))
        for name in of[Kind.CHECKPOINT]:
            store.remove(name)
        if of[Kind.CHECKPOINT]:
            study.checkpoints.forget(of[Kind.CHECKPOINT])
        for model in self._models.beyond():
            if model.artifact_id in agreed:
                self._models.let_go(model)
        for name in (*of[Kind.LOST_MODEL], *of[Kind.DRAFT]):
            detach(study.storage, store, name, study_id=study.id)
        for name in of[Kind.UNFINISHED]:
            store.discard(name)
        for name in of[Kind.UNNAMED]:
            store.remove(name)
        return found
