"""Optuna's cache in front of a study's storage, shared by all claims of a process: what ends is read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from optuna.distributions import BaseDistribution
from optuna.storages._cached_storage import _CachedStorage, _StudyInfo
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from studyhall.studies.space.configurations import Configuration, Tried
from studyhall.studies.storage.best_so_far import as_judged, as_paused
from studyhall.studies.storage.study_storage import StudyStorage


@dataclass(frozen=True)
class Look:
    """What the trials of a study had drawn at a moment.

    `first_open` is the id of the first trial that may draw more.
    """

    configurations: list[Configuration]
    first_open: int


class StudyCache(_CachedStorage):
    """The storage of one study, as Optuna reads it again and again; finished trials are read once.

    Attributes:
        backend: The storage that is cached.
        drawn_from: What parameters are drawn from, by their names; cleared when a trial that has said so may
            be gone.
    """

    def __init__(
        self, backend: StudyStorage, name: str, study_id: int, first_rung: int | None = None
    ) -> None:
        """Cache the trials of a study, which pause after so many epochs for the first time, if they do."""
        super().__init__(backend)
        self.backend = backend
        self._first_rung = first_rung
        self.drawn_from: dict[str, BaseDistribution] = {}
        self._ids = {name: study_id}
        # Trials by their ids, each as it was read, and as samplers and pruners see it.
        self._judged: dict[int, tuple[FrozenTrial, FrozenTrial]] = {}
        self._ended: dict[int, Configuration | None] = {}  # of trials that have ended, by their numbers

    def get_study_id_from_name(self, study_name: str) -> int:
        # Optuna's Study asks whenever one is made, and one is made for every claim and every record.
        return (
            self._ids[study_name] if study_name in self._ids else super().get_study_id_from_name(study_name)
        )

    def read_trials(self, study_id: int) -> None:
        """Read what may have changed about the trials since they were last read."""
        self._read_trials_from_remote_storage(study_id)

    # Private, but Optuna's cache calls it first whenever it is asked for all trials, and would keep deleted
    # ones.
    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        with self._lock:
            study = self._studies.setdefault(study_id, _StudyInfo())
            known, last = study.unfinished_trial_ids, study.last_finished_trial_id
            try:
                trials = self._backend._get_trials(study_id, None, known, last)
            except KeyError:
                # Somebody has deleted the study: its workers find no trials, and leave.
                trials = []
            for deleted in known - {each._trial_id for each in trials}:
                _, number = self._trial_id_to_study_id_and_number.pop(deleted)
                del study.trials[number]
            self._add_trials_to_cache(study_id, trials)
            ended = {each._trial_id for each in trials if each.state.is_finished()}
            study.unfinished_trial_ids = {each._trial_id for each in trials} - ended
            study.last_finished_trial_id = max(ended | {last})

    def judged(self, study_id: int, direction: StudyDirection, own: FrozenTrial) -> list[FrozenTrial]:
        """Return the trials by their best values so far, as of when they were last read.

        Args:
            study_id: The study.
            direction: The direction of its first objective.
            own: The trial of the one who asks, which takes the place of what was read of it.
        """
        number = own.number
        return [
            own if each.number == number else self._judge(each, direction)
            for each in self._last_read(study_id)
        ]

    def _judge(self, trial: FrozenTrial, direction: StudyDirection) -> FrozenTrial:
        read, seen = self._judged.get(trial._trial_id, (None, trial))
        if read is trial:
            return seen
        seen = as_judged(trial, direction)
        if self._first_rung is not None:
            seen = as_paused(seen, direction, self._first_rung)
        if seen.state.is_finished():
            self._judged[trial._trial_id] = trial, seen
        return seen

    def look(self, study_id: int, tried: Tried) -> Look:
        """Return the configurations that are not to be repeated, as of when trials were last read."""
        trials = self._last_read(study_id)
        for each in trials:
            if each.state.is_finished() and each.number not in self._ended:
                self._ended[each.number] = tried(each)  # which never changes
        found = [self._ended[each.number] if each.state.is_finished() else tried(each) for each in trials]
        last = max((each._trial_id for each in trials), default=0)
        return Look(
            [each for each in found if each is not None],
            min((each._trial_id for each in trials if not each.state.is_finished()), default=last + 1),
        )

    def _last_read(self, study_id: int) -> Sequence[FrozenTrial]:
        with self._lock:
            return sorted(self._studies[study_id].trials.values(), key=attrgetter("number"))
