"""Optuna's cache in front of a storage, which also remembers what a study's name stands for, and what its trials have tried."""

from dataclasses import dataclass

from optuna.distributions import BaseDistribution
from optuna.storages._cached_storage import _CachedStorage, _StudyInfo
from optuna.trial import FrozenTrial

from studyhall.studies.space.configurations import Configuration, Tried
from studyhall.studies.storage.study_storage import StudyStorage


@dataclass(frozen=True)
class Look:
    """What the trials of a study had drawn at a moment; `first_open` is the id of the first one that may draw more."""

    configurations: list[Configuration]
    first_open: int


class StudyCache(_CachedStorage):
    """The storage of one study, as Optuna reads it again and again; finished trials are read once."""

    def __init__(self, backend: StudyStorage, name: str, study_id: int) -> None:
        super().__init__(backend)
        self._ids = {name: study_id}
        # The trials that have ended, by their ids, as samplers and pruners see them.
        self._judged: dict[int, FrozenTrial] = {}
        self._drawn_from: dict[str, BaseDistribution] = {}  # by the names of parameters
        self._ended: dict[int, Configuration | None] = {}  # of trials that have ended, by their numbers

    def forget_distributions(self) -> None:
        """Forget what parameters are drawn from: a trial that has said so may be gone."""
        self._drawn_from.clear()

    def get_study_id_from_name(self, study_name: str) -> int:
        # Optuna's Study asks whenever one is made, and one is made for every claim and every record.
        return (
            self._ids[study_name] if study_name in self._ids else super().get_study_id_from_name(study_name)
        )

    # Private, but it is what Optuna's cache does first whenever it is asked for all trials; which would keep those that were deleted.
    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        with self._lock:
            study = self._studies.setdefault(study_id, _StudyInfo())
            known, last = study.unfinished_trial_ids, study.last_finished_trial_id
            trials = self._backend._get_trials(study_id, None, known, last)
            for deleted in known - {each._trial_id for each in trials}:
                _, number = self._trial_id_to_study_id_and_number.pop(deleted)
                del study.trials[number]
            self._add_trials_to_cache(study_id, trials)
            ended = {each._trial_id for each in trials if each.state.is_finished()}
            study.unfinished_trial_ids = {each._trial_id for each in trials} - ended
            study.last_finished_trial_id = max(ended | {last})

    def look(self, study_id: int, tried: Tried) -> Look:
        """Return the configurations that are not to be repeated, as of when trials were last read."""
        trials = _CachedStorage.get_all_trials(self, study_id, deepcopy=False)
        for each in trials:
            if each.state.is_finished() and each.number not in self._ended:
                self._ended[each.number] = tried(each)  # which never changes
        found = [self._ended[each.number] if each.state.is_finished() else tried(each) for each in trials]
        last = max((each._trial_id for each in trials), default=0)
        return Look(
            [each for each in found if each is not None],
            min((each._trial_id for each in trials if not each.state.is_finished()), default=last + 1),
        )
