"""The dry run of a definition: build its default model and train two batches, before anything is queued."""

from collections.abc import Mapping
from typing import Any

import keras
from optuna.distributions import BaseDistribution

from studyhall.models.errors import ConfigurationError
from studyhall.search.handle import Start, Value
from studyhall.search.hyperparameters import TrialHyperParameters
from studyhall.search.outcome import Checked
from studyhall.search.user_code import user_traceback
from studyhall.search.workload import Workload, parameter_count
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StudyhallError, UserCodeError

BATCHES = 2


class DefaultsHandle:
    """A handle without a study: every parameter has its default, nothing is recorded."""

    number = 0
    start = Start(defaults=True)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        """Return the default."""
        if value is None:
            raise UserCodeError(f"the hyperparameter '{name}' has no default")
        return value

    def report(self, step: int, value: float) -> bool:
        """Never prune."""
        return False

    def record(self, key: str, value: Any) -> None:
        """Forget the fact."""

    def progress(self, epoch: int, step: int, steps: int) -> None:
        """Tell nobody."""

    def stop_requested(self) -> bool:
        """Never stop."""
        return False


def run_check(definition: Definition, workload: Workload) -> Checked:
    """Build the HyperModel's default model, train two batches, and return what training reports.

    Raises:
        UserCodeError: the model cannot be built or trained, or training does not report the objective's metric.
    """
    keras.utils.clear_session(free_memory=True)
    keras.utils.set_random_seed(definition.search.seed)
    hp = TrialHyperParameters(DefaultsHandle(definition.search.seed))
    logs = _Logs()
    try:
        model = workload.hypermodel.build(hp)
        if not isinstance(model, keras.Model):
            raise UserCodeError(
                f"{definition.hypermodel.path} must return a keras.Model from build(hp), not {type(model).__name__}"
            )
        workload.hypermodel.fit(
            hp,
            model,
            x=workload.data.train,
            validation_data=workload.data.validation,
            epochs=1,
            steps_per_epoch=BATCHES,
            validation_steps=1,
            verbose=0,
            callbacks=[logs],
        )
    except StudyhallError:
        raise
    except ConfigurationError as error:
        raise UserCodeError(f"{definition.hypermodel.path}: {error}") from error
    except Exception as error:
        refusal = UserCodeError(
            f"{definition.hypermodel.path} fails with its default hyperparameters: {type(error).__name__}: {error}"
        )
        refusal.add_note(user_traceback(error, definition.folder))
        raise refusal from error
    metrics = tuple(sorted(logs.last))
    if definition.objective.metric not in metrics:
        raise UserCodeError(
            f"objective.metric is '{definition.objective.metric}', which training never reports; "
            f"it reports: {', '.join(metrics)}"
        )
    return Checked(parameter_count(model), metrics, dict(hp.values))


class _Logs(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the names and values of the last epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.last = dict(logs or {})
