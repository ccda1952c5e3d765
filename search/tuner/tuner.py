"""The Tuner: KerasTuner's interface to a study that any number of processes share."""

import inspect
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine import hypermodel as hypermodels
from keras_tuner.src.engine import tuner_utils

from studyhall.models.errors import ConfigurationError
from studyhall.search.one_line import reason
from studyhall.search.training import provenance
from studyhall.search.training.account import Account, NotFiniteError, UnknownMetricError
from studyhall.search.training.callbacks import (
    Admission,
    Report,
    StopRequestedError,
    TrialPrunedError,
    Watch,
)
from studyhall.search.training.failures import kind_of
from studyhall.search.training.first_step import FirstStep
from studyhall.search.training.outcome import FailureKind
from studyhall.search.training.own_fit import has_own_fit, joined
from studyhall.search.training.result import Result, result_of_training
from studyhall.search.training.trial import values_of
from studyhall.search.training.warm_start import misfits, refused, unknown_values
from studyhall.search.tuner.callbacks import WEIGHTS, BestWeights, ModelSize
from studyhall.search.tuner.definition import (
    NO_PRUNERS,
    Algorithm,
    going_on,
    pruners_epochs,
    script_definition,
)
from studyhall.search.tuner.objective import (
    as_tables,
    make_objective,
    mean_result_of,
    objectives_of,
)
from studyhall.search.tuner.oracle import StudyOracle
from studyhall.search.tuner.study import open_or_create
from studyhall.search.tuner.trials import BEST_EPOCH, METRICS, PRUNED, note_metrics, ranked
from studyhall.search.user.data import arrays_fingerprint
from studyhall.search.user.errors import user_traceback
from studyhall.search.user.keras_settings import KerasSettings, kept
from studyhall.search.user.workload import parameter_count
from studyhall.search.views.narration import exhausted_in_words
from studyhall.search.workers.scratch import scratch_folder
from studyhall.studies.address import sqlite_url
from studyhall.studies.definition import Value
from studyhall.studies.errors import (
    DefinitionError,
    LeaseLostError,
    RepeatedConfigurationError,
    StudyhallError,
    UserCodeError,
)
from studyhall.studies.kept_models import DEFAULT_LIMIT
from studyhall.studies.locations import artifact_location
from studyhall.studies.search_sections import PARAMETERS
from studyhall.studies.seeds import derived_seed

BUILD = "built"  # user attribute of a trial: how to give its model variables
_HOOKS = ("on_batch_begin", "on_batch_end", "on_epoch_begin", "on_epoch_end")
_NOT_THE_TRIALS_FAULT = frozenset({FailureKind.ERROR, FailureKind.CRASHED})


class SearchFailedError(UserCodeError, RuntimeError):
    """So many trials failed in a row that the search was ended; the queue is kept."""


class Tuner(keras_tuner.Tuner):  # type: ignore[misc]
    """Searches for the best hyperparameters of a Keras model, in a study that other processes may share.

    It takes the place of `keras_tuner.RandomSearch`, `BayesianOptimization` and the others. The study is in a database; a
    script that is started again goes on with it, and one that is started twice at a time shares it: a trial is run
    once, whoever runs it, and no more than `max_trials` are run in all.

    Args:
        hypermodel: a `keras_tuner.HyperModel` or a function `build(hp)`; may be left out where `run_trial` is overridden.
        objective: what a trial is judged by: a metric's name, a `keras_tuner.Objective`, or None where `run_trial` or
            `HyperModel.fit` returns one number to minimize. With a list, Optuna trades the objectives off against each
            other; the first one decides which epoch, and which trial, is "best". "parameters" is the model's size.
        max_trials: the trials of the study, all processes together; ten, unless the study is there already. A study
            that has fewer is extended when `search` is called.
        storage: an SQLAlchemy URL; by default the SQLite file `studies.db` in `directory`.
        study_name: by default `project_name`, which by default is "untitled_project".
        sampler: one of Optuna's samplers by name, or {"name": ..., "options": {...}}.
        pruner: one of Optuna's pruners, likewise. KerasTuner has none, so there is none unless asked for.
        executions_per_trial: how often each configuration is trained; the trial's result is the mean.
        directory: where the database and the artifacts are, unless told otherwise.
        project_name: another word for `study_name`, KerasTuner's.
        overwrite: remove a study of that name, with all its trials, and start afresh.
        seed: what proposals and initial weights are derived from. Left out, it is drawn when the study is made, and
            recorded there for every process that goes on with it.
        hyperparameters: a search space given beforehand, or a part of it; it wins over what the model declares.
        tune_new_entries: whether what is not in `hyperparameters` is searched; if not, it has its default.
        allow_new_entries: whether the model may declare what is not in `hyperparameters`.
        max_model_size: a trial whose model has more trainable numbers fails.
        optimizer: wins over that of the compiled model.
        loss: likewise.
        metrics: likewise.
        max_consecutive_failed_trials: after so many failures in a row this process ends its search.
        keep_models: of how many of the best trials the weights are kept.
        artifacts: a folder, or an artifact store's URL, for those weights; by default `artifacts` beside the database.
        enqueue: configurations to try right after the first trial, which has the defaults that the model's author wrote,
            and draws what has none.
        from_study: names of earlier studies in the same storage whose best trials are tried then.
        repeat: whether a configuration is proposed again that another trial has tried. Otherwise the search ends when all configurations
            of a finite space were tried.

    Raises:
        StudyhallError: the arguments, the storage or an existing study of that name do not allow it.
    """

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
        max_consecutive_failed_trials: int = 3,
        keep_models: int = DEFAULT_LIMIT,
        artifacts: str | Path | None = None,
        enqueue: Sequence[Mapping[str, Value]] = (),
        from_study: Sequence[str] = (),
        repeat: bool = False,
    ) -> None:
        # KerasTuner's own constructor makes a project folder, and connects to a chief.
        if hypermodel is None and type(self).run_trial is Tuner.run_trial:
            raise UserCodeError(
                "hypermodel=None: give a HyperModel or a function build(hp), or override run_trial"
            )
        wanted = make_objective(objective)
        self.directory = str(directory or ".")
        self.project_name = study_name or project_name or "untitled_project"
        self.hypermodel = hypermodels.get_hypermodel(hypermodel)
        self.max_model_size = max_model_size
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.distribution_strategy = None
        self.executions_per_trial = executions_per_trial
        self.tuner_id = "tuner0"
        self.logger = None
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        url = storage or sqlite_url(Path(self.directory) / "studies.db")
        definition = script_definition(
            study_name=self.project_name,
            storage=url,
            objectives=as_tables(wanted),
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
        place = artifact_location(url, str(artifacts or "artifacts"))
        self.oracle = StudyOracle(
            lambda: open_or_create(
                url,
                place,
                definition,
                going_on=lambda stored: going_on(definition, stored, max_trials, seed),
                overwrite=overwrite,
                misfits=self._misfits,
            ),
            hyperparameters,
            keep_models,
            objective=wanted,
            max_trials=max_trials,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        with kept():
            self._populate_initial_space()  # what cannot be built is refused while there is no study
        self.oracle.note_space()
        self.oracle.opened()

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

    def _runs_otherwise(self) -> bool:
        """Whether `run_trial` is the user's own, which may ask for more hyperparameters than `build` and `fit` do."""
        return type(self).run_trial is not Tuner.run_trial

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run trials until the study has none left, here or in other processes.

        Where others have the last trials it waits for them, and runs the trial of one that is gone. Ctrl-C, SIGTERM and
        errors that are nobody's trial's give the trial in hand back to the queue.

        Args:
            fit_args: what `run_trial`, and so `HyperModel.fit`, is called with.
            fit_kwargs: likewise. `verbose=0` is silent; callbacks are copied for each execution of each trial.

        Raises:
            SearchFailedError: `max_consecutive_failed_trials` trials failed here in a row for an error of the code.
            UserCodeError: training does not report the objective.
        """
        if "verbose" in fit_kwargs:
            self.oracle.verbose = fit_kwargs["verbose"]
        given = [fit_kwargs.get(name) for name in ("x", "y", "validation_data")]
        self._data_fingerprint = arrays_fingerprint([fit_args, given])
        self._told_epochs = "epochs" in fit_kwargs
        failures = 0
        with self.oracle.at_work(), _terminated_as_interrupted():
            self.on_search_begin()
            while True:
                self.pre_create_trial()
                trial = self.oracle.create_trial(self.tuner_id)
                if trial.status == TrialStatus.STOPPED:
                    if self.oracle.wait_for_others():
                        continue
                    break
                keras.utils.set_random_seed(self.oracle.in_hand.handle.seed)
                self.on_trial_begin(trial)
                try:
                    with kept():  # what `build` sets is this trial's
                        self._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
                except _LeftError:
                    self.oracle.hand_back()  # the next one is STOPPED where the study was asked to stop
                    continue
                except (UserCodeError, keras_tuner.errors.FatalError):
                    self.oracle.hand_back(afresh=True)  # once the code is mended, it may have other values
                    raise
                failure = self.oracle.in_hand.failure
                self.on_trial_end(trial)
                failures = failures + 1 if failure and failure[0] in _NOT_THE_TRIALS_FAULT else 0
                if failures >= self.max_consecutive_failed_trials:
                    _give_up(failures, trial)
            self.on_search_end()
        if self.oracle.verbose and (exhausted := self.oracle.study.exhausted()) is not None:
            sys.stdout.write(f"{exhausted_in_words(exhausted, 'repeat=True')}\n")
        if self.oracle.over is not None and self.oracle.verbose:
            sys.stdout.write(f"The search has ended before its trials did: {self.oracle.over}\n")

    def _try_run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        in_hand = self.oracle.in_hand
        started = time.perf_counter()
        try:
            self._run_and_update_trial(trial, *fit_args, **fit_kwargs)
            trial.status = TrialStatus.COMPLETED
        except TrialPrunedError as pruned:
            trial.status = PRUNED
            self._note_pruned(trial, pruned)
        except StopRequestedError as stopped:
            raise _LeftError from stopped
        except LeaseLostError as lost:
            raise _LeftError from lost
        except RepeatedConfigurationError as repeated:
            raise _LeftError from repeated
        except NotFiniteError as error:
            self._fail(trial, FailureKind.NAN, str(error))
        except (ConfigurationError, DefinitionError, keras_tuner.errors.FailedTrialError) as error:
            self._fail(trial, FailureKind.INVALID, reason(error))
        except UnknownMetricError as error:
            if self.oracle.study.is_to_blame(in_hand.claimed):
                raise UserCodeError(f"{error}; set objective to one of them") from error
            self._fail(trial, FailureKind.INVALID, str(error))
        except (StudyhallError, keras_tuner.errors.FatalError):
            raise
        except Exception as error:  # noqa: BLE001 - a user's code may raise anything; the trial alone fails
            self._fail(trial, kind_of(error), f"{type(error).__name__}: {reason(error)}")
            trial.message = user_traceback(error, _script_folder())
        for name, value in values_of(trial.hyperparameters).items():
            in_hand.handle.record(name, value)
        in_hand.handle.record("seconds", round(time.perf_counter() - started, 3))

    def _note_pruned(self, trial: Trial, pruned: TrialPrunedError) -> None:
        """Note what a trial had reached when it was pruned."""
        account, best = self.oracle.in_hand.account, self.oracle.in_hand.best_weights
        if account is None or account.best is None or best is None:
            return  # `run_trial` of the user's own pruned it
        history = keras.callbacks.History()
        history.history = account.history
        result = mean_result_of(history, self.oracle.objective, "run_trial()")
        best.settle(result.values[0])
        self._note_result(trial, result)

    def _fail(self, trial: Trial, kind: FailureKind, why: str) -> None:
        trial.status = TrialStatus.FAILED
        trial.message = why
        self.oracle.in_hand.failure = (kind, why)

    def _run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        in_hand, objective = self.oracle.in_hand, self.oracle.objective
        self._record(
            {"seed": in_hand.handle.seed, "data_fingerprint": self._data_fingerprint}
            | provenance.facts(_script_folder())
        )
        returned = self.run_trial(trial, *fit_args, **fit_kwargs)
        _require_known(trial.hyperparameters.unused_start_values())
        if returned is None and trial.metrics.exists(objective.name):
            # As with KerasTuner, `run_trial` of an old script may have told the oracle by itself.
            returned = {name: trial.metrics.get_best_value(name) for name in trial.metrics.metrics}
        result = mean_result_of(returned, objective, f"{type(self).__name__}.run_trial()")
        for name, value in result.metrics.items():
            _require_finite(name, value, [each["metric"] for each in as_tables(objective)])
        self._note_result(trial, result)

    def _note_result(self, trial: Trial, result: Result) -> None:
        """Note what a trial came to, in KerasTuner's trial and in the study's."""
        in_hand, objective = self.oracle.in_hand, self.oracle.objective
        in_hand.result = result
        trial.best_step = max(result.best_epoch or 1, 1) - 1
        note_metrics(trial, result.metrics, objective)
        trial.score = objective.get_value(result.metrics)
        self._record({METRICS: result.metrics, BEST_EPOCH: result.best_epoch, "history": result.history})
        saved = in_hand.scratch / WEIGHTS
        in_hand.weights = saved if saved.is_file() else None

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Build and train the trial's model, `executions_per_trial` times; override it to do something else.

        Args:
            trial: `trial.hyperparameters` are drawn as they are asked for.
            args: what `search` was called with.
            kwargs: likewise.

        Returns:
            A `History`, a dictionary of metrics, a number, or a list of those, of which the mean counts.
        """
        in_hand = self.oracle.in_hand
        originals = kwargs.pop("callbacks", None) or []
        objectives = objectives_of(self.oracle.objective)
        names = [each.metric for each in objectives]
        best = in_hand.best_weights = BestWeights(objectives[0].direction, in_hand.scratch)
        must_report = not has_own_fit(self.hypermodel)
        results = []
        for execution in range(self.executions_per_trial):
            if execution:
                keras.utils.set_random_seed(derived_seed("execution", in_hand.handle.seed, execution))
            callbacks = self._deepcopy_callbacks(originals)
            self._configure_tensorboard_dir(callbacks, trial, execution)
            if PARAMETERS in names:
                callbacks.insert(0, ModelSize())
            if any(getattr(type(self), hook) is not getattr(keras_tuner.Tuner, hook) for hook in _HOOKS):
                callbacks.append(tuner_utils.TunerCallback(self, trial))
            account = in_hand.account = Account(
                names, objectives[0].direction, best.keep_epoch, must_report=must_report
            )
            ours = in_hand.callbacks = [
                FirstStep(),
                account,
                Admission(in_hand.handle, account),
                Watch(in_hand.handle, account),
            ]
            if len(names) == 1 and execution == 0:
                ours.append(Report(in_hand.handle, account))
            callbacks += ours
            results.append(self._build_and_fit_model(trial, *args, **{**kwargs, "callbacks": callbacks}))
            self._say_how_many_epochs(account.finished)
        return results

    def _say_how_many_epochs(self, trained: int) -> None:
        """Say once, where nobody told the number of epochs, what it is that the pruner judges."""
        definition = self.oracle.study.definition
        prunes = definition.pruner.name.lower() not in NO_PRUNERS
        if self._told_epochs or not prunes or not self.oracle.verbose:
            return
        self._told_epochs = True
        epochs = pruners_epochs(definition)
        if epochs is not None:
            sys.stdout.write(
                f"A trial trains {epochs} epochs, the pruner's max_resource, where fit is told no number.\n"
            )
        elif trained == 1:
            sys.stdout.write(
                f"A trial trains 1 epoch, Keras's default, so pruner {definition.pruner.name!r} has nothing to end: "
                "give search(..., epochs=N).\n"
            )

    def _try_build(self, hp: Any) -> Any:
        # KerasTuner clears Keras's session first, and with it what the script has set.
        self._settings = KerasSettings.current()
        return super()._try_build(hp)

    def _build_hypermodel(self, hp: Any) -> Any:
        self._settings.apply()
        return super()._build_hypermodel(hp)

    def _build_and_fit_model(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        before = set(hp.values)
        model = self._try_build(hp)
        if not self._runs_otherwise():
            _require_known(unknown_values(hp, self.hypermodel))
        if set(hp.values) != before or not before:
            self.oracle.show_values(trial)
        for callback in kwargs.get("callbacks", ()):
            callback.set_model(model)  # a training loop of the user's own may not
        epochs = pruners_epochs(self.oracle.study.definition)
        if epochs is not None and "epochs" in inspect.signature(self.hypermodel.fit).parameters:
            kwargs.setdefault("epochs", epochs)
        in_hand = self.oracle.in_hand
        with joined(model, in_hand.callbacks, (), None, in_hand.account, epochs):
            returned = self.hypermodel.fit(hp, model, *args, **kwargs)
        if model.built:
            self._record({PARAMETERS: parameter_count(model), BUILD: _how_built(model)})
        return self._whole(returned, model)

    def _whole(self, returned: Any, model: Any) -> Any:
        """Return what `fit` returned, a History as that of all its fits together; keep the weights that it is of."""
        account, best = self.oracle.in_hand.account, self.oracle.in_hand.best_weights
        if account is None or best is None:
            return returned
        function = f"{type(self.hypermodel).__name__}.fit()"
        result, is_best_epoch = result_of_training(
            returned, account, objectives_of(self.oracle.objective), function
        )
        if model.built and not is_best_epoch:
            best.keep_epoch(model)
        best.settle(result.values[0])
        if returned is not None and not isinstance(returned, keras.callbacks.History):
            return returned
        history = keras.callbacks.History()
        history.set_model(model)
        history.history, history.epoch = account.history, list(range(account.finished))
        return history

    def _record(self, facts: Mapping[str, Any]) -> None:
        for name, value in facts.items():
            if value is not None:
                self.oracle.in_hand.handle.record(name, value)

    def _configure_tensorboard_dir(self, callbacks: list[Any], trial: Trial, execution: int = 0) -> None:
        # KerasTuner imports tensorboard for every trial, which TensorFlow does not bring any more.
        for callback in callbacks:
            if type(callback).__name__ == "TensorBoard":
                callback.log_dir = self._get_tensorboard_dir(callback.log_dir, trial.trial_id, execution)

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Keep a model's weights as the trial's; for a `run_trial` that trains by itself.

        Args:
            trial_id: the id of the trial in hand.
            model: the model.
            step: ignored.
        """
        in_hand = self.oracle.in_hand
        if int(trial_id) != in_hand.handle.number:
            raise UserCodeError(
                f"trial {trial_id} is not being run: only the trial in hand can be given a model"
            )
        model.save_weights(in_hand.scratch / WEIGHTS, overwrite=True)
        self._record({BUILD: _how_built(model)})

    @kept()
    def load_model(self, trial: Trial) -> Any:
        """Return a trial's model, rebuilt by its HyperModel, with the weights of its best epoch.

        Raises:
            UserCodeError: the trial's weights were not kept.
        """
        model = self._try_build(trial.hyperparameters)
        attributes = self.oracle.study.optuna().get_trials(deepcopy=False)[int(trial.trial_id)].user_attrs
        built = attributes.get(BUILD, {})
        if not model.built and built:
            model.build_from_config(built["config"])
        if built.get("optimizer"):  # its state is in the file, and must have a place
            model.optimizer.build(model.trainable_variables)
        with scratch_folder() as folder:
            path = folder / WEIGHTS
            if not self.oracle.models.copy_to(int(trial.trial_id), path):
                raise UserCodeError(
                    f"the weights of trial {trial.trial_id} were not kept: run_trial must pass its callbacks on, or call save_model"
                )
            model.load_weights(path)
        return model

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """Return the best trials' models, each with the weights of its best epoch, the best first.

        Raises:
            UserCodeError: fewer were kept.
        """
        kept = self.oracle.models.all()
        wanted = min(num_models, len(ranked(self.oracle.trials.values(), self.oracle.objective)))
        if wanted > len(kept):
            raise UserCodeError(
                f"the weights of {len(kept)} trials are kept, not of {wanted}: search with Tuner(keep_models={wanted}), or "
                f"train anew: tuner.hypermodel.build(tuner.get_best_hyperparameters({wanted})[{wanted - 1}])"
            )
        return [self.load_model(trial) for trial in self.oracle.get_best_trials(wanted)]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[keras_tuner.HyperParameters]:
        """Return the hyperparameters of the best trials, the best first; fewer where fewer have a score."""
        best = ranked(self.oracle.trials.values(), self.oracle.objective)
        return [trial.hyperparameters for trial in best[:num_trials]]

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials, with their hyperparameters and scores."""
        study = self.oracle.study
        lines = [
            "Results summary",
            f"Results in study {study.name} of {study.storage.address.shown}",
            f"Showing {num_trials} best trials",
            str(self.oracle.objective),
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        for trial in self.oracle.get_best_trials(num_trials):
            sys.stdout.write("\n")
            trial.summary()

    def save(self) -> None:
        """Do nothing: all is in the study."""

    def reload(self) -> None:
        """Do nothing: all is in the study."""


class _LeftError(Exception):
    """The trial in hand was left: it is another process's, would repeat another one, or the study was asked to stop."""


def _how_built(model: Any) -> dict[str, Any]:
    """Return what it takes to give a model that was built anew the same variables, as JSON."""
    optimizer = getattr(model, "optimizer", None)
    return {"config": model.get_build_config(), "optimizer": bool(optimizer is not None and optimizer.built)}


def _require_known(unknown: Sequence[str]) -> None:
    if unknown:
        raise keras_tuner.errors.FailedTrialError(refused(unknown))


def _require_finite(name: str, value: float, objectives: Sequence[str]) -> None:
    if name in objectives and not abs(value) < float("inf"):  # NaN is not less either
        raise NotFiniteError(f"{name} is {value}")


def _give_up(failures: int, trial: Trial) -> NoReturn:
    message = (trial.message or "").strip().splitlines()
    error = SearchFailedError(
        f"{failures} trials in a row failed, the last one with: {message[-1] if message else 'no message'}; "
        "mend it and start again: the queue is kept"
    )
    error.add_note(trial.message or "")
    raise error


def _script_folder() -> Path:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(script).resolve().parent if script else Path.cwd()


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, where nobody else handles it."""
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
