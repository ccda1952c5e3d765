"""The oracle of a Tuner: KerasTuner asks it for trials, and it takes them from the study."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine import objective as kinds
from optuna.distributions import BaseDistribution

from studyhall.search.bridge.scopes import nesting
from studyhall.search.core.outcome import Dropped, Pruned, TrialOutcome
from studyhall.search.tuner.asked import asked_of
from studyhall.search.tuner.display import SearchDisplay
from studyhall.search.tuner.errors import ProjectConflictError
from studyhall.search.tuner.in_hand import InHand
from studyhall.search.tuner.objective import UNNAMED, objective_of
from studyhall.search.tuner.of_study import OfStudy
from studyhall.search.tuner.plan import Plan
from studyhall.search.tuner.recorded_space import recall_space, record_space
from studyhall.search.tuner.script_definition import id_digits
from studyhall.search.tuner.script_study import OpenedStudy
from studyhall.search.tuner.trials import (
    TrialsById,
    as_keras_tuner_trial,
    begun_trials,
    ids_in_order,
    ranked,
    trial_id,
)
from studyhall.search.workers.announcer import Announcer
from studyhall.search.workers.claims import Claims
from studyhall.search.workers.wait import Idle
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.space.space import Reach
from studyhall.studies.study.study import Study


class StudyOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Hands out the trials of a study that any number of processes share.

    Args:
        open_study: Opens or creates the study and its artifact store, when they are first needed.
        preset: The search space that the user gave, or None.
        keep_models: How many of the best trials' weights are kept.
        plan: What a trial's hyperparameters are, and whether trials are added.
        arguments: Those of `keras_tuner.Oracle`.
    """

    def __init__(
        self,
        open_study: Callable[[], OpenedStudy],
        preset: keras_tuner.HyperParameters | None,
        keep_models: int,
        plan: Plan,
        **arguments: Any,
    ) -> None:
        super().__init__(hyperparameters=preset, **arguments)
        self.objective: kinds.Objective = arguments["objective"]
        self._open_study = open_study
        self._opened: OpenedStudy | None = None
        self.preset = preset
        self.forget_space()
        self._keep_models = keep_models
        self.plan = plan
        self._is_whole_space = plan.grows and self.max_trials is None
        self._asked: dict[str, BaseDistribution] = {}
        self._claims: Claims | None = None
        self.lease_seconds = LEASE_SECONDS
        self._in_hand: tuple[Trial, InHand, ExitStack] | None = None
        self._display = SearchDisplay(oracle=self)

    @property
    def study(self) -> Study:
        """The study, opened."""
        return self.opened().study

    def opened(self) -> OpenedStudy:
        """Return the study and its artifact store; the first call opens or creates them."""
        if self._opened is None:
            self._opened = opened = self._open_study()
            definition = opened.study.definition
            self.max_trials, self.seed = definition.search.trials, definition.search.seed
            if (self.objective.name,) == UNNAMED and definition.metrics != UNNAMED:
                self.objective = objective_of(definition.metrics, definition.directions)
            noted = record_space if opened.is_new else recall_space
            noted(opened.study, self.hyperparameters)
        return self._opened

    def forget_space(self) -> None:
        """Know of the search space what the user gave, and no more: the model will be asked anew."""
        self.hyperparameters = nesting(keras_tuner.HyperParameters() if self.preset is None else self.preset)

    def note_space(self) -> None:
        """Note what the model asks for, as far as that is known: a script may be edited and go on."""
        self._asked = asked_of(self.hyperparameters, self.plan.hyperparameters.parameter_of)

    @property
    def models(self) -> KeptModels:
        """The weights of the best trials."""
        return self.opened().kept_models(self._keep_models)

    @OfStudy
    def trials(self) -> dict[str, Trial]:
        """The trials of all processes that were begun, by their id; "7", "07" and "007" are one."""
        found = TrialsById()
        digits = id_digits(self.study.definition)
        for frozen in begun_trials(self.study):
            trial = as_keras_tuner_trial(frozen, self.hyperparameters, self.objective, digits)
            found[trial.trial_id] = trial
        if self._in_hand is not None:
            found[self._in_hand[0].trial_id] = self._in_hand[0]
        return found

    @OfStudy
    def start_order(self) -> list[str]:
        """The ids of the trials of all processes, in the order in which they were begun."""
        return ids_in_order(self.study)

    @OfStudy
    def end_order(self) -> list[str]:
        """The ids of the trials of all processes that have ended, in the order of their ends."""
        return ids_in_order(self.study, of_ends=True)

    def remaining_trials(self) -> int:
        """Return how many trials nobody has begun, those that a search would add included."""
        counts = self.study.counts()
        return counts.waiting + max(self.max_trials - counts.total, 0)

    @property
    def over(self) -> str | None:
        """Why no trial is taken any more though some may wait, for people; None where that is not so."""
        return None if self._claims is None else self._claims.gate.over

    @property
    def claims(self) -> Claims:
        """What claims trials for this process, holds them and ends them."""
        if self._claims is None:
            study, store = self.study, self.opened().store
            assert store is not None  # otherwise `at_work` has refused
            self._claims = Claims(
                study,
                store,
                Announcer(study),
                stopped=lambda: False,
                pause=time.sleep,
                models=self.models,
                lease_seconds=self.lease_seconds,
                idle=Idle(
                    notice=lambda running: self._display.on_wait(running, self.lease_seconds),
                    unfit=self._display.on_unfit,
                ),
            )
        return self._claims

    @property
    def in_hand(self) -> InHand:
        """The trial that this process has claimed."""
        if self._in_hand is None:
            raise RuntimeError("no trial is being run: run_trial is called by search()")
        return self._in_hand[1]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Be one of the study's workers inside the block; a trial that is still in hand at its end goes back.

        The study then has as many trials as were asked for.

        Raises:
            ProjectConflictError: The script would search otherwise than the study was searched.
        """
        opened = self.opened()
        if opened.conflict is not None:
            raise ProjectConflictError(opened.conflict)
        study = opened.study
        record_space(study, self.hyperparameters)
        study.space.asks(self._asked)
        study.rebudget(study.definition)
        self._display.on_search_begin(self.max_trials, study.withdrawn, self._keep_models)
        study.clear_stop()
        self._claims = None  # what was over before may not be now
        with self.claims.registered():
            try:
                yield
            finally:
                self.give_back()

    def create_trial(self, tuner_id: str) -> Trial:
        """Claim the next trial; its status is STOPPED where none is left.

        It waits while other processes have the last ones, and takes the trial of one that is gone.
        """
        claimed = self.claims.claim()
        if claimed is None:
            return Trial(keras_tuner.HyperParameters(), trial_id="", status=TrialStatus.STOPPED)
        in_hand = InHand()
        with ExitStack() as resources:
            in_hand.held = resources.enter_context(
                self.claims.holding(claimed, lambda event: None, lambda: in_hand.epoch)
            )
            hp = self.plan.hyperparameters(
                in_hand.handle,
                self.preset,
                tune_new_entries=self.tune_new_entries,
                allow_new_entries=self.allow_new_entries,
            )
            hp.know(self.hyperparameters)
            digits = id_digits(self.study.definition)
            trial = Trial(hp, trial_id=trial_id(claimed.number, digits))
            self._in_hand = (trial, in_hand, resources.pop_all())
        self._display.on_trial_begin(trial)
        hp.values.update(self.plan.values)
        return trial

    def grow(self) -> bool:
        """Add a trial where the whole search space is to be tried and something of it is left."""
        space = self.study.space
        ends = not self._is_whole_space or self.over is not None or space.repeats
        if ends or space.reach() is not Reach.FREE:
            return False
        self.study.extend(1)
        return True

    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Trial:
        """Note metrics of the trial in hand, as `run_trial` of old scripts does by itself."""
        trial = self.trials[trial_id]
        for name, value in metrics.items():
            if not trial.metrics.exists(name):
                trial.metrics.register(name)
            trial.metrics.update(name, value, step=step)
        return trial

    def end_trial(self, trial: Trial) -> None:
        """Write to the study how the trial in hand ended.

        Raises:
            UserCodeError: The study is at fault, and not the trial.
        """
        if self._in_hand is None:
            return
        in_hand = self.in_hand
        outcome = self.leave(in_hand.ended(trial))
        if isinstance(outcome, Pruned) and outcome.complete:
            trial.status = TrialStatus.COMPLETED
        self.claims.announce(in_hand.handle.number, outcome)
        self.update_space(trial.hyperparameters)
        record_space(self.study, self.hyperparameters)
        self._display.on_trial_end(trial)

    def leave(self, outcome: TrialOutcome) -> TrialOutcome:
        """Write to the study how the trial in hand ended, let go of it, and return how it did end."""
        in_hand = self.in_hand
        in_hand.outcome = outcome = self.claims.end(in_hand.held, outcome)
        if isinstance(outcome, Dropped):
            sys.stdout.write(
                f"\nTrial {in_hand.handle.number} now belongs to another process; what was done here is dropped.\n"
            )
        self._release()
        return outcome

    def give_back(self, *, afresh: bool = False) -> None:
        """Put the trial in hand, if there is one, back into the queue.

        With `afresh` it forgets the values that it drew.
        """
        if self._in_hand is not None:
            self.claims.give_back(self.in_hand.claimed, afresh=afresh)
            self._release()

    def _release(self) -> None:
        if self._in_hand is not None:
            _, _, resources = self._in_hand
            self._in_hand = None
            resources.close()

    def show_values(self, trial: Trial) -> None:
        """Show the hyperparameters of the trial in hand, once they are known."""
        self._display.on_values(trial)

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the best trials, pruned ones by their best value, and last those that have no score."""
        trials = list(self.trials.values())
        best = ranked(trials, self.objective)
        return (best + [each for each in trials if each not in best])[:num_trials]

    def save(self) -> None:
        """Do nothing: all is in the study."""

    def reload(self) -> None:
        """Do nothing: all is in the study."""
