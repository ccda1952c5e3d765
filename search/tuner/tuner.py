"""The Tuner: KerasTuner's interface to a study that any number of processes share."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.src.engine import hypermodel as hypermodels

from studyhall.search.core.events import NameMade
from studyhall.search.training.warm_start import misfits
from studyhall.search.tuner.errors import ArgumentValueError, SearchFailedError
from studyhall.search.tuner.interruption import terminated_as_interrupted
from studyhall.search.tuner.kerastuner_oracle import called_as_in_kerastuner
from studyhall.search.tuner.objective import as_tables, make_objective
from studyhall.search.tuner.oracle import StudyOracle
from studyhall.search.tuner.plan import Plan
from studyhall.search.tuner.project_folder import ProjectFolder, folder_name
from studyhall.search.tuner.script_definition import Algorithm, script_definition, whole
from studyhall.search.tuner.script_study import OpenedStudy, ScriptStudy
from studyhall.search.tuner.search_results import SearchResults
from studyhall.search.tuner.short_traceback import with_short_traceback
from studyhall.search.tuner.trial_ending import TrialEnding
from studyhall.search.user.data import arrays_fingerprint
from studyhall.search.user.keras_settings import kept
from studyhall.search.views.narration import exhausted_in_words, in_words
from studyhall.search.workers.failures_in_a_row import FailuresInARow
from studyhall.studies.database.names import sqlite_url
from studyhall.studies.errors import UserCodeError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.values import Value

UNTITLED = "untitled_project"  # as with KerasTuner


class Tuner(TrialEnding, SearchResults):
    """Searches for the best hyperparameters of a Keras model, in a study that other processes may share.

    It takes the place of `keras_tuner.RandomSearch`, `BayesianOptimization` and the others. The study is in a
    database; a script that is started again goes on with it, and one that is started twice at a time shares
    it: a trial is run once, whoever runs it, and no more than `max_trials` are run in all.

    Args:
        hypermodel: A `keras_tuner.HyperModel` or a function `build(hp)`; may be left out where `run_trial` is
            overridden.
        objective: What a trial is judged by: a metric's name, a `keras_tuner.Objective`, or None where
            `run_trial` or `HyperModel.fit` returns one number to minimize. With a list, Optuna trades the
            objectives off against each other; the first one decides which epoch, and which trial, is "best".
            "parameters" is the model's size.
        max_trials: The trials of the study, all processes together; ten, unless the study is there already. A
            study that has fewer is extended when `search` is called.
        storage: An SQLAlchemy URL; by default the SQLite file `studies.db` in `directory`.
        study_name: By default `project_name`, which by default is "untitled_project".
        sampler: One of Optuna's samplers by name, or {"name": ..., "options": {...}}.
        pruner: One of Optuna's pruners, likewise. KerasTuner has none, so there is none unless asked for.
        executions_per_trial: How often each configuration is trained; the trial's result is the mean.
        directory: Where the database and the artifacts are, unless told otherwise.
        project_name: Another word for `study_name`, KerasTuner's.
        overwrite: Remove a study of that name, with all its trials, and start afresh.
        seed: What proposals and initial weights are derived from. Left out, it is drawn when the study is
            made, and recorded there for every process that goes on with it.
        hyperparameters: A search space given beforehand, or a part of it; it wins over what the model
            declares.
        tune_new_entries: Whether what is not in `hyperparameters` is searched; if not, it has its default.
        allow_new_entries: Whether the model may declare what is not in `hyperparameters`.
        max_model_size: A trial whose model has more trainable numbers fails.
        optimizer: Wins over that of the compiled model.
        loss: Likewise.
        metrics: Likewise.
        distribution_strategy: A `tf.distribute.Strategy`, in whose scope each model is built and trained; for
            trials at the same time, start the script once for each device instead.
        tuner_id: A name for this process, which KerasTuner's own methods show.
        max_retries_per_trial: How often a trial that failed is run again, with the same values, before it
            counts as failed.
        max_consecutive_failed_trials: After so many failures in a row this process ends its search.
        keep_models: Of how many of the best trials the weights are kept; left out, of all.
        artifacts: A folder, or an artifact store's URL, for those weights; by default `artifacts` beside the
            database.
        enqueue: Configurations to try right after the first trial, which has the defaults that the model's
            author wrote, and draws what has none.
        from_study: Names of earlier studies in the same storage whose best trials are tried then.
        repeat: Whether a configuration is proposed again that another trial has tried. Otherwise the search
            ends when all configurations of a finite space were tried.
        plan: What `GridSearch` and `Hyperband` bring along.

    Also taken is KerasTuner's `oracle=`, first or by name: one of its four oracles, for the arguments that
    it holds; and `logger=`, which does nothing there either.

    Raises:
        StudyhallError: The arguments, the storage or an existing study of that name do not allow it.
    """

    hypermodel: Any
    _knows_space = False  # whether the model was asked for what it tunes

    @called_as_in_kerastuner
    @with_short_traceback
    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        *,
        storage: str | None = None,
        study_name: str | None = None,
        sampler: Algorithm = "tpe",
        pruner: Algorithm = "none",
        executions_per_trial: int = 1,
        directory: str | Path | None = None,
        project_name: str | None = None,
        overwrite: bool = False,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_model_size: int | None = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        distribution_strategy: Any = None,
        tuner_id: str | None = None,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        keep_models: int | None = None,
        artifacts: str | Path | None = None,
        enqueue: Sequence[Mapping[str, Value]] = (),
        from_study: Sequence[str] = (),
        repeat: bool = False,
        plan: Plan | None = None,
    ) -> None:
        max_trials, seed = whole("max_trials", max_trials), whole("seed", seed)
        name = study_name or project_name or UNTITLED
        self.directory, self.project_name = directory or ".", folder_name(name)
        self.hypermodel, self.tuner_id = hypermodels.get_hypermodel(hypermodel), tuner_id or "tuner0"
        self._set_as_kerastuner(executions_per_trial, max_model_size, optimizer, loss, metrics)
        self.distribution_strategy, self.max_retries_per_trial = distribution_strategy, max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        folder = ProjectFolder(Path(self.directory, self.project_name))
        definition = script_definition(
            study_name=name,
            storage=storage or sqlite_url(Path(self.directory) / "studies.db"),
            objectives=as_tables(wanted := make_objective(objective)),
            max_trials=max_trials,
            seed=seed,
            sampler=sampler,
            pruner=pruner,
            hypermodel=hypermodel,
            executions_per_trial=executions_per_trial,
            enqueue=enqueue,
            from_study=from_study,
            keep_models=keep_models,
            repeat=repeat,
        )
        self._wanted = ScriptStudy(definition, artifacts, max_trials, seed, overwrite, plan or Plan(), folder)
        self._begin(wanted, hyperparameters, tune_new_entries, allow_new_entries)
        if name != definition.name:
            sys.stdout.write(f"Note: {in_words(NameMade(name, definition.name))}.\n")

    def _begin(
        self,
        objective: keras_tuner.Objective,
        hyperparameters: keras_tuner.HyperParameters | None,
        tune_new_entries: bool,
        allow_new_entries: bool,
    ) -> None:
        """Open the study; a new one once the model could be built, so that what cannot be built is none."""
        wanted = self._wanted
        self.oracle = StudyOracle(
            lambda: wanted.opened(self._learn_space, self._misfits),
            hyperparameters,
            wanted.definition.search.keep_models,
            wanted.plan,
            objective=objective,
            max_trials=wanted.max_trials,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=wanted.seed,
            max_retries_per_trial=self.max_retries_per_trial,
            max_consecutive_failed_trials=self.max_consecutive_failed_trials,
        )
        self._say_what_is_there(self.oracle.opened())

    def _say_what_is_there(self, opened: OpenedStudy) -> None:
        if not opened.is_new and (counts := opened.study.counts()).waiting < counts.total:
            sys.stdout.write(
                f"Reloading Tuner from study {opened.study.name} of {opened.study.storage.address.shown}: "
                f"{counts.finished} of {counts.total} trials have ended.\n"
            )

    def _learn_space(self) -> keras_tuner.HyperParameters:
        """Return the search space, for which the model is asked once."""
        if not self._knows_space:
            self._ask_for_space()
        return self.oracle.hyperparameters

    def _ask_for_space(self) -> None:
        if self.hypermodel is None and not self._runs_otherwise():
            raise ArgumentValueError(
                "Received `hypermodel=None`: give a HyperModel or a function build(hp), or override run_trial"
            )
        self.oracle.forget_space()
        with kept():
            self._populate_initial_space()
        self.oracle.note_space()
        self._knows_space = True

    def _set_as_kerastuner(
        self,
        executions_per_trial: int,
        max_model_size: int | None,
        optimizer: Any,
        loss: Any,
        metrics: Any,
    ) -> None:
        """Set what KerasTuner's constructor sets and its methods use.

        That constructor is not called: it makes a project folder, and connects to a chief.
        """
        self.executions_per_trial = executions_per_trial
        self.max_model_size = max_model_size
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.logger = None

    def _misfits(self, configurations: Sequence[Mapping[str, Value]]) -> list[str | None]:
        if self.hypermodel is None:  # what run_trial will ask for, nobody knows yet
            return [None] * len(configurations)
        return misfits(
            self.hypermodel,
            configurations,
            more=self._runs_otherwise(),
            preset=self.oracle.preset,
            tune_new_entries=self.oracle.tune_new_entries,
            allow_new_entries=self.oracle.allow_new_entries,
        )

    @with_short_traceback
    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run trials until the study has none left, here or in other processes.

        Where others have the last trials it waits for them, and runs the trial of one that is gone. Ctrl-C,
        SIGTERM and errors that are nobody's trial's give the trial in hand back to the queue.

        Args:
            fit_args: What `run_trial`, and so `HyperModel.fit`, is called with.
            fit_kwargs: Likewise. `verbose=0` is silent; callbacks are copied for each execution of each
                trial.

        Raises:
            SearchFailedError: `max_consecutive_failed_trials` trials failed here in a row.
            ProjectConflictError: The script would search otherwise than its study was searched.
            UserCodeError: Training does not report the objective.
        """
        if "verbose" in fit_kwargs:
            self.oracle.verbose = fit_kwargs["verbose"]
        given = [fit_kwargs.get(name) for name in ("x", "y", "validation_data")]
        self._data_fingerprint = arrays_fingerprint([fit_args, given])
        self._told_epochs = "epochs" in fit_kwargs
        self._learn_space()
        failures = FailuresInARow(self.max_consecutive_failed_trials, tuple(FailureKind))  # as KerasTuner
        with self.oracle.at_work(), terminated_as_interrupted():
            self.on_search_begin()
            while True:
                self.pre_create_trial()
                trial = self.oracle.create_trial(self.tuner_id)
                if trial.status == TrialStatus.STOPPED:
                    if self.oracle.grow():
                        continue
                    break
                in_hand = self.oracle.in_hand
                keras.utils.set_random_seed(in_hand.handle.seed)
                self.on_trial_begin(trial)
                try:
                    with kept():  # what `build` sets is this trial's
                        self._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
                    if in_hand.is_left and in_hand.outcome is not None:
                        self.oracle.leave(in_hand.outcome)
                        continue
                    self.on_trial_end(trial)
                except (UserCodeError, keras_tuner.errors.FatalError):
                    self.oracle.give_back(afresh=True)  # once the code is mended, it may have other values
                    raise
                if in_hand.outcome is not None and (why := failures.too_many(in_hand.outcome)) is not None:
                    limit = self.max_consecutive_failed_trials
                    error = SearchFailedError(
                        f"Number of consecutive failures exceeded the limit of {limit}: {why}"
                    )
                    error.details = trial.message or ""
                    raise error
            self.on_search_end()
        if self.oracle.verbose and (exhausted := self.oracle.study.space.exhausted()) is not None:
            sys.stdout.write(f"{exhausted_in_words(exhausted, 'repeat=True')}\n")
        if self.oracle.over is not None and self.oracle.verbose:
            sys.stdout.write(f"The search has ended before its trials did: {self.oracle.over}\n")
