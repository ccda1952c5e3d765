"""Optuna's cache in front of a storage, which also remembers what a study's name stands for."""

from optuna.distributions import BaseDistribution
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial

from studyhall.studies.storage import StudyStorage


class StudyCache(_CachedStorage):
    """The storage of one study, as Optuna reads it again and again; finished trials are read once."""

    def __init__(self, backend: StudyStorage, name: str, study_id: int) -> None:
        super().__init__(backend)
        self._ids = {name: study_id}
        # The trials that have ended, by their ids, as samplers and pruners see them.
        self._judged: dict[int, FrozenTrial] = {}
        self._drawn_from: dict[str, BaseDistribution] = {}  # by the names of parameters

    def forget_distributions(self) -> None:
        """Forget what parameters are drawn from: a trial that has said so may be gone."""
        self._drawn_from.clear()

    def get_study_id_from_name(self, study_name: str) -> int:
        # Optuna's Study asks whenever one is made, and one is made for every claim and every record.
        return (
            self._ids[study_name] if study_name in self._ids else super().get_study_id_from_name(study_name)
        )
