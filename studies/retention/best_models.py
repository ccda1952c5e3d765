"""The weights of a study's best trials: kept in the artifact store while a trial is among the best few."""

from dataclasses import asdict, dataclass
from pathlib import Path

from studyhall.studies.artifacts.attachments import attach, copy_checked, detach
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import KEPT_MODEL_PREFIX
from studyhall.studies.study.study import Study, badness


@dataclass(frozen=True)
class KeptModel:
    """A trial's `model.keras` in the artifact store."""

    number: int
    value: float
    artifact_id: str
    sha256: str


class KeptModels:
    """Keeps the models of a study's best trials, as many as its definition says.

    They belong to the study and not to their trials: nothing about a finished trial can be changed, so a
    record there could never be taken back.
    """

    def __init__(self, study: Study, store: ArtifactStore, limit: int | None = None) -> None:
        self._study = study
        self._store = store
        self._limit = limit if limit is not None else study.definition.search.keep_models

    def all(self) -> list[KeptModel]:
        """The models that are kept, best first."""
        study = self._study
        records = study.storage.read(lambda c: study_rows.attributes_after(c, study.id, KEPT_MODEL_PREFIX))
        kept = [KeptModel(**record) for record in records.values() if record is not None]
        return sorted(kept, key=lambda model: badness(study, model.value))

    def beyond(self) -> list[KeptModel]:
        """The models beyond the best: a worker died before it removed them, or the limit was lowered."""
        return self.all()[self._limit :]

    def takes(self, number: int, value: float) -> bool:
        """Whether a trial of this value is among the best, as they are now."""
        others = [kept for kept in self.all() if kept.number != number]
        rank = sum(badness(self._study, kept.value) <= badness(self._study, value) for kept in others)
        return rank < self._limit

    def keep(self, number: int, value: float, model: Path) -> bool:
        """Keep a trial's model and let go of the one that it displaces; False if it is not among the best.

        Bytes first, then the record; a model that is let go loses its record first.

        Raises:
            ArtifactError: The store cannot take it.
        """
        if not self.takes(number, value):
            return False
        attachment = attach(
            self._study.storage,
            self._store,
            model,
            study_id=self._study.id,
            filename=f"trial-{number}-{model.name}",
        )
        record = KeptModel(number, value, attachment.artifact_id, attachment.sha256)
        before = self._record_of(number)
        self._study.optuna().set_user_attr(KEPT_MODEL_PREFIX + str(number), asdict(record))
        if before is not None:
            detach(self._study.storage, self._store, before.artifact_id, study_id=self._study.id)
        for kept in self.beyond():
            self.let_go(kept)
        return True

    def copy_to(self, number: int, path: Path) -> bool:
        """Write a trial's model to a file, checked; False where it is not kept.

        Raises:
            ArtifactError: The store lacks it, or holds other bytes than were kept.
        """
        kept = self._record_of(number)
        if kept is None:
            return False
        damaged = (
            f"The kept model of trial {number} does not match its checksum. "
            "Remove it from the artifact store, and retrain instead."
        )
        copy_checked(self._store, kept.artifact_id, kept.sha256, path, damaged=damaged)
        return True

    def _record_of(self, number: int) -> KeptModel | None:
        record = self._study.attribute(f"{KEPT_MODEL_PREFIX}{number}")
        return KeptModel(**record) if record is not None else None

    def let_go(self, kept: KeptModel) -> None:
        """Remove a model that is kept: first its record, then its bytes.

        Raises:
            ArtifactError: The store refuses.
        """
        self._study.optuna().set_user_attr(KEPT_MODEL_PREFIX + str(kept.number), None)
        detach(self._study.storage, self._store, kept.artifact_id, study_id=self._study.id)
