"""The oracle of a Tuner: KerasTuner asks it for trials, and it takes them from the study."""

import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from studyhall.search.bridge.scopes import nesting
from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.tuner.asked import asked_of
from studyhall.search.tuner.display import SearchDisplay, waiting_for
from studyhall.search.tuner.in_hand import InHand
from studyhall.search.tuner.lenient import LenientHyperParameters
from studyhall.search.tuner.script_definition import id_digits
from studyhall.search.tuner.trials import PRUNED, TrialsById, as_keras_tuner_trial, ranked, trial_id
from studyhall.search.workers.announcer import Announcer
from studyhall.search.workers.budget import Budget, EpochGate
from studyhall.search.workers.study_handle import sweep
from studyhall.studies.algorithms.factory import make_pruner, sampler_for_trial
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import ConfigurationsInUseError, LeaseLostError, StorageError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.study.study import Study

LOOK_SECONDS = (
    1.0  # how often a search looks whether other processes are done, or have left it something to try
)


class StudyOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Hands out the trials of a study that any number of processes share.

    Args:
        open_study: Opens or creates the study and its artifact store, when they are first needed.
        preset: The search space that the user gave, or None.
        keep_models: How many of the best trials' weights are kept.
        arguments: Those of `keras_tuner.Oracle`.
    """

    def __init__(
        self,
        open_study: Callable[[], tuple[Study, ArtifactStore]],
        preset: keras_tuner.HyperParameters | None,
        keep_models: int,
        **arguments: Any,
    ) -> None:
        super().__init__(hyperparameters=preset, **arguments)
        self.hyperparameters = nesting(keras_tuner.HyperParameters() if preset is None else preset)
        self._open_study = open_study
        self._opened: tuple[Study, ArtifactStore] | None = None
        self.preset = preset
        self._keep_models = keep_models
        self._asked: dict[str, BaseDistribution] = {}
        self._worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._gate: EpochGate | None = None
        self.lease_seconds = LEASE_SECONDS
        self._in_hand: tuple[Trial, InHand, ExitStack] | None = None
        self._display = SearchDisplay(oracle=self)

    @property
    def study(self) -> Study:
        """The study, opened."""
        return self.opened()[0]

    def opened(self) -> tuple[Study, ArtifactStore]:
        """Return the study and its artifact store; the first call opens or creates them."""
        if self._opened is None:
            self._opened = self._open_study()
            search = self._opened[0].definition.search
            self.max_trials, self.seed = search.trials, search.seed
        return self._opened

    def note_space(self) -> None:
        """Note what the model asks for, as far as that is known: a script may be edited and go on with its study."""
        self._asked = asked_of(self.hyperparameters)

    @property
    def models(self) -> KeptModels:
        """The weights of the best trials."""
        study, store = self.opened()
        return KeptModels(study, store, self._keep_models)

    @property
    def trials(self) -> dict[str, Trial]:
        """The trials of all processes that were begun, by their id; "7", "07" and "007" are one."""
        states = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        found = TrialsById()
        digits = id_digits(self.study.definition)
        for frozen in self.study.optuna().get_trials(deepcopy=False, states=states):
            trial = as_keras_tuner_trial(frozen, self.hyperparameters, self.objective, digits)
            found[trial.trial_id] = trial
        if self._in_hand is not None:
            found[self._in_hand[0].trial_id] = self._in_hand[0]
        return found

    @trials.setter
    def trials(self, ignored: Any) -> None:
        """Ignore what the base class begins with: the study has the trials."""

    def remaining_trials(self) -> int:
        """Return how many trials nobody has begun, of those that the study has and those that a search would add."""
        counts = self.study.counts()
        return counts.waiting + max(self.max_trials - counts.total, 0)

    @property
    def over(self) -> str | None:
        """Why no trial is taken any more though some may wait, for people; None where that is not so."""
        return None if self._gate is None else self._gate.over

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
        """
        study, _ = self.opened()
        study.asks(self._asked)
        self._gate = None
        study.rebudget(study.definition)
        if study.withdrawn and self.verbose:
            sys.stdout.write(
                f"max_trials is {self.max_trials} now: {study.withdrawn} that waited are withdrawn.\n"
            )
        study.clear_stop()
        study.register_worker(self._worker, host=socket.gethostname(), pid=os.getpid(), device="")
        try:
            yield
        finally:
            self.hand_back()
            with suppress(
                StorageError
            ):  # a worker that is not heard of any more is known to be gone all the same
                study.dismiss_worker(self._worker)

    def create_trial(self, tuner_id: str) -> Trial:
        """Claim the next trial; its status is STOPPED where the queue is empty."""
        study, store = self.opened()
        definition = study.definition

        def sampler(number: int) -> BaseSampler:
            return sampler_for_trial(definition.sampler, definition.search.seed, number)

        self._gate = self._gate or EpochGate(study, Budget.of(definition))
        claimed = None
        while self._gate.look() is None:
            claimed = study.claim(
                sampler,
                make_pruner(definition.pruner),
                worker=self._worker,
                lease_seconds=self.lease_seconds,
            )
            if not study.others_try_the_rest:
                break
            study.seen(self._worker)
            time.sleep(LOOK_SECONDS)
        sweep(study, store)
        if claimed is None:
            return Trial(keras_tuner.HyperParameters(), trial_id="", status=TrialStatus.STOPPED)
        with ExitStack() as resources:
            scratch = resources.enter_context(scratch_folder())
            in_hand = InHand(study, claimed, store, scratch, self._gate, self.lease_seconds)
            resources.enter_context(in_hand.handle)
            resources.enter_context(in_hand.keeper)
            hp = LenientHyperParameters(
                in_hand.handle,
                self.preset,
                tune_new_entries=self.tune_new_entries,
                allow_new_entries=self.allow_new_entries,
            )
            hp.known = self.hyperparameters
            trial = Trial(hp, trial_id=trial_id(claimed.number, id_digits(definition)))
            self._in_hand = (trial, in_hand, resources.pop_all())
        self._display.on_trial_begin(trial)
        return trial

    def wait_for_others(self) -> bool:
        """Wait while other processes run the last trials; return whether one of those has come back to the queue."""
        study, said = self.study, False
        while not study.seen(self._worker) and self.over is None:
            study.reclaim_expired()
            counts = study.counts()
            if counts.waiting or not counts.running:
                return counts.waiting > 0
            if not said and self.verbose:
                sys.stdout.write(waiting_for(counts.running, self.lease_seconds))
                sys.stdout.flush()
            said = True
            time.sleep(LOOK_SECONDS)
        return False

    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Trial:
        """Note metrics of the trial in hand, as `run_trial` of old scripts does by itself."""
        trial = self.trials[trial_id]
        for name, value in metrics.items():
            if not trial.metrics.exists(name):
                trial.metrics.register(name)
            trial.metrics.update(name, value, step=step)
        return trial

    def end_trial(self, trial: Trial) -> None:
        """Write to the study how the trial in hand ended."""
        if self._in_hand is None:
            return
        in_hand = self.in_hand
        handle, study = in_hand.handle, self.study
        try:
            handle.flush()
            if trial.status == TrialStatus.COMPLETED and in_hand.result is not None:
                self._keep_weights(in_hand)
                study.complete(in_hand.claimed, *in_hand.result.values)
                Announcer(study).completed(handle.number, in_hand.result.values[0])
            elif trial.status == PRUNED:
                self._keep_weights(in_hand)
                ended = study.prune(
                    in_hand.claimed, *(() if in_hand.result is None else in_hand.result.values)
                )
                if ended.complete:
                    trial.status = TrialStatus.COMPLETED
                    Announcer(study).completed(handle.number, ended.values[0])
            else:
                kind, reason = in_hand.failure or (
                    FailureKind.ERROR,
                    trial.message or "run_trial did not end it",
                )
                study.fail(in_hand.claimed, kind, reason)
        except LeaseLostError:
            sys.stdout.write(
                f"\nTrial {trial.trial_id} is another process's by now; what was done here is dropped.\n"
            )
        self._release()
        self.update_space(trial.hyperparameters)
        self._display.on_trial_end(trial)

    def _keep_weights(self, in_hand: InHand) -> None:
        if in_hand.result is not None and in_hand.weights is not None:
            self.models.keep(in_hand.handle.number, in_hand.result.values[0], in_hand.weights)

    def hand_back(self, *, afresh: bool = False) -> None:
        """Give the trial in hand, if there is one, back to the queue; `afresh` without the values that it drew."""
        if self._in_hand is None:
            return
        with suppress(
            LeaseLostError, StorageError
        ):  # then it is another's already, or will be when its lease ends
            handle = self.in_hand.handle
            if handle.refused is None:
                self.study.hand_back(handle.lease, afresh=afresh)
            else:
                others_run = isinstance(handle.refused, ConfigurationsInUseError)
                self.study.draw_again(handle.lease, keeping_start=others_run)
                time.sleep(LOOK_SECONDS if others_run else 0.0)
        self._release()

    def _release(self) -> None:
        if self._in_hand is not None:
            _, _, resources = self._in_hand
            self._in_hand = None
            resources.close()

    def show_values(self, trial: Trial) -> None:
        """Show the hyperparameters of the trial in hand, once they are known."""
        if self._display.verbose:
            self._display.show_hyperparameter_table(trial)
            sys.stdout.write("\n")

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the best trials, pruned ones by the best that they reached, and behind them those that have no score."""
        trials = list(self.trials.values())
        best = ranked(trials, self.objective)
        return (best + [each for each in trials if each not in best])[:num_trials]

    def save(self) -> None:
        """Do nothing: all is in the study."""

    def reload(self) -> None:
        """Do nothing: all is in the study."""
