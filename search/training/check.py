"""The dry run of a definition: build its default model and train two batches, before anything is queued."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from studyhall.models.errors import ConfigurationError
from studyhall.search.bridge.distributions import parameter_of
from studyhall.search.bridge.handle import Start, Value
from studyhall.search.bridge.hyperparameters import TrialHyperParameters, recorded_values
from studyhall.search.devices import setup as device_setup
from studyhall.search.training.first_step import FirstStep
from studyhall.search.training.outcome import Checked
from studyhall.search.training.session import prepare
from studyhall.search.training.warm_start import DryHandle, misfits
from studyhall.search.user.code import user_traceback
from studyhall.search.user.examples import Examples, arguments_for, described, first_batches
from studyhall.search.user.workload import Workload, ensure_built, parameter_count
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StudyhallError, UserCodeError
from studyhall.studies.search_sections import PARAMETERS

BATCHES = 2


class DefaultsHandle(DryHandle):
    """A handle without a study, of a trial that has the defaults."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, Start(defaults=True, implied=True))


def run_check(
    definition: Definition, workload: Workload, configurations: Sequence[Mapping[str, Value]] = ()
) -> Checked:
    """Build the HyperModel's default model, train two batches, and return what training reports.

    Args:
        definition: the study's definition.
        workload: its HyperModel and data.
        configurations: more of them, of which is only said whether they can be built.

    Raises:
        UserCodeError: the model cannot be built or trained, or training does not report the objective's metric.
    """
    prepare(definition, workload, definition.search.seed)
    hp = TrialHyperParameters(DefaultsHandle(definition.search.seed))
    logs = _Logs()
    try:
        model = workload.hypermodel.build(hp)
        if not isinstance(model, keras.Model):
            raise UserCodeError(
                f"{definition.hypermodel.path} must return a keras.Model from build(hp), not {type(model).__name__}"
            )
        whole = workload.examples(hp)
        examples = first_batches(whole, BATCHES)
        ensure_built(model, examples)
        device_setup.use_compilation(model)
        workload.hypermodel.fit(
            hp,
            model,
            x=examples.train,
            validation_data=examples.validation,
            epochs=1,
            verbose=0,
            callbacks=[FirstStep(), logs],
            **arguments_for(workload.hypermodel, examples),
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
    for metric in definition.metrics:
        if metric not in (*metrics, PARAMETERS):
            raise UserCodeError(
                f"objective.metric is '{metric}', which training never reports; it reports: {', '.join(metrics)}"
            )
    return Checked(
        parameter_count(model),
        metrics,
        recorded_values(hp),
        _facts(hp, model, whole, logs.last),
        tuple(misfits(workload.hypermodel, configurations, workload.examples)),
    )


def _facts(
    hp: TrialHyperParameters, model: Any, examples: Examples, logs: Mapping[str, float]
) -> dict[str, Any]:
    """What people want to see before they start a search, in words and numbers."""
    nothing = examples.validation is None
    targets = tuple(value for name, value in examples.fit_arguments.items() if name != "batch_size")
    return {
        "train": described((examples.train, *targets) if targets else examples.train),
        "validation": None if nothing else described(examples.validation),
        "steps_per_epoch": examples.steps_per_epoch,
        "batch_size": examples.batch_size,
        "input": _shapes(model, "input_shape"),
        "output": _shapes(model, "output_shape"),
        "space": {hyper.name: _range(hyper) for hyper in hp.space},
        "values": {name: float(value) for name, value in logs.items()},
    }


def _shapes(model: Any, name: str) -> str | None:
    try:
        return str(getattr(model, name))
    except (AttributeError, ValueError):  # a subclassed model need not know
        return None


def _range(hyper: Any) -> str:
    parameter = parameter_of(hyper)
    return f"always {hyper.value!r}" if parameter is None else parameter.range()


class _Logs(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the names and values of the last epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.last = dict(logs or {})
