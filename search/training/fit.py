"""One fit: the same code trains a trial and retrains the best one."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from studyhall.search.training.callbacks import BestEpoch, EpochData, LearningRate, Throughput
from studyhall.search.training.checkpoint import Checkpointer
from studyhall.search.training.first_step import FirstStep
from studyhall.search.training.resident import batches_together, resident
from studyhall.search.training.schedules import HoldThenCosine
from studyhall.studies.definition import EarlyStoppingSpec, PlateauSpec


@dataclass(frozen=True)
class Annealing:
    """How a learning rate is kept up and then annealed, in shares (0 to 1) of all steps and of the peak rate."""

    warmup: float
    hold: float
    final: float


@dataclass(frozen=True)
class TrainingPlan:
    """What a fit watches and for how long.

    `steps_per_epoch` is needed for `annealing` alone. `plateau` and `annealing` exclude each other.
    """

    metric: str
    direction: str
    epochs: int
    early_stopping: EarlyStoppingSpec | None = None
    plateau: PlateauSpec | None = None
    annealing: Annealing | None = None
    steps_per_epoch: int | None = None


@dataclass(frozen=True)
class Checkpoints:
    """Where a fit continues from (None: from its start), and what is done with each epoch's checkpoint.

    `save` is called with the number of finished epochs and a file in the existing folder `scratch`, which it may keep no longer than the
    call.
    """

    resume_from: Path | None
    save: Callable[[int, Path], None]
    scratch: Path


@dataclass(frozen=True)
class Fitted:
    """What a fit left behind.

    `value` is the metric at the best epoch (counted from 1) and `weights` are that epoch's, as numpy arrays in the order of
    `model.get_weights()`; `history` holds a list with one number per epoch for each name that training reports.
    """

    value: float
    best_epoch: int
    weights: list[Any]
    history: dict[str, list[float]]
    seconds: float
    batches_per_second: float | None


def batches_on_device(hypermodel: keras_tuner.HyperModel, model: Any, train: Any, validation: Any) -> int:
    """Return how many batches one execution of this fit composes on the device; 0: the host composes them."""
    if type(hypermodel).fit is not keras_tuner.HyperModel.fit:
        return 0  # it may look at its data
    return batches_together(model, train, validation)


def fit(
    hypermodel: keras_tuner.HyperModel,
    hp: keras_tuner.HyperParameters,
    model: Any,
    train: Any,
    validation: Any,
    plan: TrainingPlan,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoints: Checkpoints | None = None,
    **fit_arguments: Any,
) -> Fitted:
    """Train a compiled model through its HyperModel's own `fit`.

    Args:
        hypermodel: whose `fit(hp, model, ...)` is called; KerasTuner's default calls `model.fit`.
        hp: the trial's hyperparameters; `fit` may register more of them.
        model: the compiled Keras model that `hypermodel.build(hp)` returned.
        train: whatever `model.fit` takes as `x`; one that has `set_epoch` is told each epoch's number.
        validation: whatever `model.fit` takes as `validation_data`.
        plan: the objective, the number of epochs and the rules for stopping and for the learning rate.
        callbacks: further callbacks; they see each epoch's logs after the objective was checked.
        checkpoints: where to continue from, and what to do with each epoch's checkpoint; None makes none.
        fit_arguments: passed on to `hypermodel.fit`.

    Raises:
        NotFiniteError: the loss or the objective is NaN or infinite at the end of an epoch.
        UnknownMetricError: training does not report the objective.
    """
    mode = "min" if plan.direction == "minimize" else "max"
    best = BestEpoch(plan.metric, plan.direction)
    throughput = Throughput()
    rules: list[keras.callbacks.Callback] = [FirstStep(), EpochData(train), throughput, LearningRate(), best]
    if plan.annealing is not None:
        model.optimizer.learning_rate = HoldThenCosine(
            float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
            plan.epochs * (plan.steps_per_epoch or 1),
            warmup=plan.annealing.warmup,
            hold=plan.annealing.hold,
            final=plan.annealing.final,
        )
    elif plan.plateau is not None:
        rules.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor=plan.metric,
                mode=mode,
                factor=plan.plateau.factor,
                patience=plan.plateau.patience,
                min_delta=plan.plateau.min_delta,
                cooldown=plan.plateau.cooldown,
                min_lr=plan.plateau.min_learning_rate,
            )
        )
    if plan.early_stopping is not None:
        rules.append(
            keras.callbacks.EarlyStopping(
                monitor=plan.metric,
                mode=mode,
                patience=plan.early_stopping.patience,
                min_delta=plan.early_stopping.min_delta,
            )
        )
    if hasattr(train, "set_epoch") and type(hypermodel).fit is keras_tuner.HyperModel.fit:
        # Its order is drawn from (seed, epoch) already; Keras would shuffle it by Python's global generator.
        fit_arguments = {"shuffle": False} | fit_arguments
    history = keras.callbacks.History()
    every = [*rules, *callbacks, history]
    # A model that brings its own optimization keeps a state that is not ours to save.
    if checkpoints is not None and getattr(model, "optimizer", None) is not None:
        checkpointer = Checkpointer(every, checkpoints.save, checkpoints.scratch)
        every.append(checkpointer)
        if checkpoints.resume_from is not None:
            fit_arguments["initial_epoch"] = checkpointer.restore(checkpoints.resume_from, model)
    together = batches_on_device(hypermodel, model, train, validation)
    fed = resident(model, train, validation, together) if together else nullcontext((train, validation))
    started = time.perf_counter()
    with fed as (x, validation_data):
        throughput.together = model.steps_per_execution * (len(train) / len(x) if together else 1)
        hypermodel.fit(
            hp,
            model,
            x=x,
            validation_data=validation_data,
            epochs=plan.epochs,
            verbose=0,
            callbacks=every,
            **fit_arguments,
        )
    seconds = time.perf_counter() - started
    if best.value is None or best.weights is None:
        raise ValueError("fit() trained no epoch: it must pass its `callbacks` on to model.fit()")
    return Fitted(
        value=best.value,
        best_epoch=best.epoch,
        weights=best.weights,
        history={name: [float(value) for value in values] for name, values in history.history.items()},
        seconds=seconds,
        batches_per_second=throughput.batches_per_second,
    )
