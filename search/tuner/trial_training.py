"""The training of a Tuner's trial: its model built, its executions fitted with our callbacks added."""

import copy
import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial
from keras_tuner.src.engine import tuner_utils

from studyhall.search.training.account import Account
from studyhall.search.training.callbacks import (
    Admission,
    Report,
    Watch,
)
from studyhall.search.training.first_step import FirstStep
from studyhall.search.training.own_fit import changed, fit_by, has_own_fit, joined, weights_before
from studyhall.search.training.result import is_history, result_of_training
from studyhall.search.training.warm_start import refused, unknown_values
from studyhall.search.tuner.callbacks import WEIGHTS, BestWeights, ModelSize
from studyhall.search.tuner.hparams import TrialHParams, has_tensorboard
from studyhall.search.tuner.objective import objectives_of, require_one_number
from studyhall.search.tuner.rebuilt_model import how_built
from studyhall.search.tuner.script_definition import (
    NO_PRUNERS,
    pruners_epochs,
)
from studyhall.search.user.keras_settings import KerasSettings
from studyhall.search.user.keras_words import in_short
from studyhall.search.user.phases import Phase, during
from studyhall.studies.definition.search_sections import PARAMETERS
from studyhall.studies.errors import (
    UserCodeError,
)
from studyhall.studies.seeds import derived_seed

_HOOKS = ("on_batch_begin", "on_batch_end", "on_epoch_begin", "on_epoch_end")


class TrialTraining(keras_tuner.Tuner):  # type: ignore[misc]
    """The part of a Tuner that trains the trial in hand."""

    model_file = WEIGHTS  # what is kept of a trial's model
    _told_tensorboard = False
    _told_epochs = False  # whether it was told, or has said, how many epochs a trial trains

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Build and train the trial's model, `executions_per_trial` times; override it to do something else.

        Args:
            trial: `trial.hyperparameters` are drawn as they are asked for.
            args: What `search` was called with.
            kwargs: Likewise.

        Returns:
            A `History`, a dictionary of metrics, a number, or a list of those, of which the mean counts.
        """
        in_hand = self.oracle.in_hand
        if self.oracle.plan.epochs is not None:
            kwargs["epochs"] = self.oracle.plan.epochs
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

    def _runs_otherwise(self) -> bool:
        """Whether `run_trial` is the user's own, which may ask for hyperparameters of its own."""
        return type(self).run_trial is not TrialTraining.run_trial

    def _deepcopy_callbacks(self, callbacks: Any) -> Any:
        """Return callbacks for one execution: copies, or what a function that makes them returns."""
        if inspect.isroutine(callbacks):
            return list(callbacks())
        try:
            return copy.deepcopy(callbacks)
        except Exception as error:  # noqa: BLE001 - its author's code may raise anything
            names = ", ".join(type(each).__name__ for each in callbacks if not _can_be_copied(each))
            raise keras_tuner.errors.FatalValueError(
                f"{names} cannot be copied for each trial ({in_short(error)}): give search() a function that makes the callbacks, "
                "callbacks=lambda: [...]"
            ) from None

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
                f"A trial trains 1 epoch, Keras's default, so pruner {definition.pruner.name!r} can prune nothing: "
                "give search(..., epochs=N).\n"
            )

    def _try_build(self, hp: Any) -> Any:
        # KerasTuner clears Keras's session first, and with it what the script has set.
        self._settings = KerasSettings.current()
        return super()._try_build(hp)

    def _build_hypermodel(self, hp: Any) -> Any:
        self._settings.apply()
        with during(Phase.BUILD):
            return super()._build_hypermodel(hp)

    def _build_and_fit_model(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        before = hp.drawn()
        model = self._try_build(hp)
        if not self._runs_otherwise():
            require_known(unknown_values(hp, self.hypermodel))
        if hp.drawn() != before or not before:
            self.oracle.show_values(trial)
        for callback in kwargs.get("callbacks", ()):
            callback.set_model(model)  # a training loop of the user's own may not
        epochs = pruners_epochs(self.oracle.study.definition)
        if epochs is not None and "epochs" in inspect.signature(self.hypermodel.fit).parameters:
            kwargs.setdefault("epochs", epochs)
        in_hand = self.oracle.in_hand
        with joined(model, in_hand.callbacks, (), None, in_hand.account, epochs):
            before_fit = weights_before(self.hypermodel, model)
            returned = fit_by(self.hypermodel, hp, model, in_hand.account, *args, **kwargs)
        if model.built:
            self._record(how_built(model))
        heard = in_hand.account is not None and bool(in_hand.account.epochs)
        return self._whole(returned, model, trained=heard or changed(before_fit, model))

    def _whole(self, returned: Any, model: Any, *, trained: bool) -> Any:
        """Return what `fit` returned, a History as that of all its fits together.

        The weights that it is of are kept.

        Weights that `fit` has not trained, as where it trains clones of the model, are not kept.
        """
        account, best = self.oracle.in_hand.account, self.oracle.in_hand.best_weights
        if account is None or best is None:
            return returned
        function = f"{type(self.hypermodel).__name__}.fit()"
        require_one_number(returned, self.oracle.objective, function)
        result, is_best_epoch = result_of_training(
            returned, account, objectives_of(self.oracle.objective), function
        )
        if model.built and not is_best_epoch and trained:
            best.keep_epoch(model)
        best.settle(result.values[0])
        if isinstance(returned, Mapping) and not is_history(returned, arrays=True):
            return result.metrics if is_best_epoch else returned
        if not is_best_epoch:
            return returned
        history = keras.callbacks.History()
        history.set_model(model)
        history.history, history.epoch = account.history, list(range(account.finished))
        return history

    def _record(self, facts: Mapping[str, Any]) -> None:
        known = {name: value for name, value in facts.items() if value is not None}
        self.oracle.in_hand.handle.record(known)

    def _configure_tensorboard_dir(self, callbacks: list[Any], trial: Trial, execution: int = 0) -> None:
        # KerasTuner imports tensorboard for every trial, which TensorFlow does not bring any more.
        for callback in [each for each in callbacks if type(each).__name__ == "TensorBoard"]:
            callback.log_dir = self._get_tensorboard_dir(callback.log_dir, trial.trial_id, execution)
            if keras.backend.backend() != "tensorflow":
                continue  # as KerasTuner: that package would import TensorFlow
            if has_tensorboard():
                callbacks.append(TrialHParams(trial, callback.log_dir))
            elif not self._told_tensorboard:
                self._told_tensorboard = True
                sys.stdout.write("TensorBoard's HParams are left out: pip install tensorboard\n")

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Keep a model's weights as the trial's; for a `run_trial` that trains by itself.

        Args:
            trial_id: The id of the trial in hand.
            model: The model.
            step: Ignored.
        """
        self.require_in_hand(trial_id)
        model.save_weights(self.oracle.in_hand.scratch / self.model_file, overwrite=True)
        self._record(how_built(model))

    def require_in_hand(self, trial_id: str) -> None:
        """Refuse a model for a trial that this process does not run.

        Raises:
            UserCodeError: It runs another one.
        """
        if int(trial_id) != self.oracle.in_hand.handle.number:
            raise UserCodeError(
                f"trial {trial_id} is not being run: only the trial in hand can be given a model"
            )


def _can_be_copied(callback: Any) -> bool:
    try:
        copy.deepcopy(callback)
    except Exception:  # noqa: BLE001 - its author's code may raise anything
        return False
    return True


def require_known(unknown: Sequence[str]) -> None:
    """Fail a trial that was queued with values which nothing has asked for.

    Raises:
        keras_tuner.errors.FailedTrialError: There are such values.
    """
    if unknown:
        raise keras_tuner.errors.FailedTrialError(refused(unknown))
