"""How a Tuner's trial ends: with a result, pruned, failed with a reason, or left to another process."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from studyhall.search.core.outcome import Dropped, Failed
from studyhall.search.training import provenance
from studyhall.search.training.account import NotFiniteError, UnknownMetricError
from studyhall.search.training.callbacks import (
    TrialPrunedError,
)
from studyhall.search.training.failures import outcome_of
from studyhall.search.training.result import Result
from studyhall.search.training.trial import values_of
from studyhall.search.tuner.objective import (
    as_tables,
    mean_result_of,
)
from studyhall.search.tuner.trial_training import TrialTraining, require_known
from studyhall.search.tuner.trials import PRUNED, note_metrics
from studyhall.search.user.blame import Blame
from studyhall.search.user.given import Given
from studyhall.studies.database.attributes import (
    BEST_EPOCH,
    DATA_FINGERPRINT,
    HISTORY,
    METRICS,
    SECONDS,
    SEED,
)
from studyhall.studies.errors import LeaseLostError
from studyhall.studies.seeds import derived_seed

SEARCH = "search()"  # what gives a script's trials their data, for people


class TrialEnding(TrialTraining):
    """The part of a Tuner that runs the trial in hand and notes what it came to."""

    def _try_run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        in_hand = self.oracle.in_hand
        started = time.perf_counter()
        for retries_left in reversed(range(self.max_retries_per_trial + 1)):
            self._try_once(trial, *fit_args, **fit_kwargs)
            if not retries_left or not in_hand.may_be_retried:
                break
            self._begin_again(trial, retries_left)
        trial.hyperparameters.settle()
        if in_hand.is_left:
            return
        if isinstance(in_hand.outcome, Failed):
            trial.status = TrialStatus.FAILED
            trial.message = in_hand.outcome.details or in_hand.outcome.reason
        self._record(values_of(trial.hyperparameters) | {SECONDS: round(time.perf_counter() - started, 3)})

    def _begin_again(self, trial: Trial, retries_left: int) -> None:
        """Make ready to run the trial in hand once more, with its values and other random numbers."""
        in_hand, failed = self.oracle.in_hand, self.max_retries_per_trial + 1 - retries_left
        sys.stdout.write(f"Trial {trial.trial_id} failed {failed} times. {retries_left} retries left.\n")
        in_hand.outcome = in_hand.account = None
        trial.metrics = type(trial.metrics)()
        keras.utils.set_random_seed(derived_seed("retry", in_hand.handle.seed, failed))

    def _try_once(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        in_hand = self.oracle.in_hand
        try:
            self._run_and_update_trial(trial, *fit_args, **fit_kwargs)
            trial.status = TrialStatus.COMPLETED
        except TrialPrunedError as pruned:
            trial.status = PRUNED
            self._note_pruned(trial, pruned)
        except LeaseLostError:
            in_hand.outcome = Dropped()
        except Exception as error:
            if isinstance(error, keras_tuner.errors.FatalError) and not isinstance(error, UnknownMetricError):
                raise
            in_hand.outcome = outcome_of(error, self._blame(), "objective", given_by(fit_args, fit_kwargs))
            in_hand.gave_up = isinstance(error, keras_tuner.errors.FailedTrialError)

    def _blame(self) -> Blame:
        """What says whose fault an error of the script is."""
        build = getattr(self.hypermodel, "build", None)
        builds = f"{type(self).__name__}.run_trial()" if self._runs_otherwise() else _name_of(build)
        return Blame(builds, SEARCH, _script_folder())

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

    def _run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        in_hand, objective = self.oracle.in_hand, self.oracle.objective
        self._record(
            {SEED: in_hand.handle.seed, DATA_FINGERPRINT: self._data_fingerprint}
            | provenance.facts(_script_folder())
        )
        returned = self.run_trial(trial, *fit_args, **fit_kwargs)
        require_known(trial.hyperparameters.unused_start_values())
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
        self._record({METRICS: result.metrics, BEST_EPOCH: result.best_epoch, HISTORY: result.history})
        saved = in_hand.scratch / self.model_file
        in_hand.weights = saved if saved.is_file() else None


def _require_finite(name: str, value: float, objectives: Sequence[str]) -> None:
    if name in objectives and not abs(value) < float("inf"):  # NaN is not less either
        raise NotFiniteError(f"{name} is {value}")


def given_by(fit_args: Sequence[Any], fit_kwargs: Mapping[str, Any]) -> Given:
    """Return what `search` was given to train on, for errors: it has the arguments of `model.fit`."""
    named = dict(zip(("x", "y"), fit_args, strict=False)) | dict(fit_kwargs)
    return Given(SEARCH, named.get("x"), named.get("y"), named.get("validation_data"))


def _name_of(build: Any) -> str:
    return f"{getattr(build, '__qualname__', type(build).__name__)}()"


def _script_folder() -> Path:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(script).resolve().parent if script else Path.cwd()
