"""One fit: the same code trains a trial and retrains the best one."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from studyhall.search.training.account import Account, NotFiniteError
from studyhall.search.training.callbacks import EpochData, LearningRate, Throughput
from studyhall.search.training.checkpoint import Checkpointer
from studyhall.search.training.first_step import FirstStep
from studyhall.search.training.own_fit import changed, fit_by, has_own_fit, joined, weights_before
from studyhall.search.training.resident import batches_together, resident
from studyhall.search.training.result import Objective, Result, result_of_training
from studyhall.search.training.rules import OWN_LOOP, Annealing, EarlyStopping, Plateau, Rule
from studyhall.studies.definition import EarlyStoppingSpec, PlateauSpec


@dataclass(frozen=True)
class AnnealingSpec:
    """How a learning rate is kept up and then annealed, in shares (0 to 1) of all steps and of its peak."""

    warmup: float
    hold: float
    final: float


@dataclass(frozen=True)
class TrainingPlan:
    """What a training is judged by, for how long it lasts, and which rules are added to it.

    `objectives` are those that training reports, the most important first. `plateau` and `annealing` exclude
    each other.
    """

    objectives: tuple[Objective, ...]
    epochs: int
    early_stopping: EarlyStoppingSpec | None = None
    plateau: PlateauSpec | None = None
    annealing: AnnealingSpec | None = None

    @property
    def metric(self) -> str:
        """The first objective's name."""
        return self.objectives[0].metric

    @property
    def direction(self) -> str:
        """The first objective's direction, "minimize" or "maximize"."""
        return self.objectives[0].direction


@dataclass(frozen=True)
class Checkpoints:
    """Where a fit continues from (None: from its start), and what is done with each epoch's checkpoint.

    `save` is called with the number of finished epochs and a file in the existing folder `scratch`, which it
    may keep no longer than the call.
    """

    resume_from: Path | None
    save: Callable[[int, Path], None]
    scratch: Path


@dataclass(frozen=True)
class Fitted:
    """What a training left behind.

    `result` is what counts of it and `weights` are those that it is of, as numpy arrays in the order of
    `model.get_weights()`; `history` holds a list for each name that training reports, with an entry for each
    epoch: a number, a list where the metric has several values, or None where the epoch did not report it.
    `rules` says of each rule of ours why it did not act, None if it did.
    """

    result: Result
    weights: list[Any]
    history: dict[str, list[Any]]
    seconds: float
    batches_per_second: float | None
    rules: dict[str, str | None]

    @property
    def value(self) -> float:
        """The first objective's value."""
        return self.result.values[0]

    @property
    def best_epoch(self) -> int | None:
        """The epoch that counts, from 1; None where the result stands for the model as `fit` left it."""
        return self.result.best_epoch


def account_of(hypermodel: keras_tuner.HyperModel, plan: TrainingPlan) -> Account:
    """Return an empty account for a training by a plan."""
    metrics = [each.metric for each in plan.objectives]
    return Account(metrics, plan.direction, must_report=not has_own_fit(hypermodel))


def batches_on_device(hypermodel: keras_tuner.HyperModel, model: Any, train: Any, validation: Any) -> int:
    """Return how many batches one execution of this fit composes on the device; 0: the host composes them."""
    if has_own_fit(hypermodel):
        return 0  # it may look at its data
    return batches_together(model, train, validation)


def fit(
    hypermodel: keras_tuner.HyperModel,
    hp: keras_tuner.HyperParameters,
    model: Any,
    train: Any,
    validation: Any,
    plan: TrainingPlan,
    account: Account,
    together: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoints: Checkpoints | None = None,
    array_batch_size: int | None = None,
    **fit_arguments: Any,
) -> Fitted:
    """Train a compiled model through its HyperModel's own `fit`.

    Args:
        hypermodel: Whose `fit(hp, model, ...)` is called; KerasTuner's default calls `model.fit`.
        hp: The trial's hyperparameters; `fit` may register more of them.
        model: The Keras model that `hypermodel.build(hp)` returned.
        train: Whatever `model.fit` takes as `x`; one that has `set_epoch` is told each epoch's number.
        validation: Whatever `model.fit` takes as `validation_data`.
        plan: The objectives, the number of epochs and the rules for stopping and for the learning rate.
        account: An empty one of `account_of`; it holds what was trained, however this ends.
        together: What `batches_on_device` says of this fit.
        callbacks: Further callbacks; they see each epoch's logs after the account did.
        checkpoints: Where to continue from, and what to do with each epoch's checkpoint; None makes none.
        array_batch_size: Examples in a batch of arrays, where a `fit` of the user's own does not say.
        fit_arguments: Passed on to `hypermodel.fit`.

    Raises:
        NotFiniteError: The loss or the objective is NaN or infinite at the end of an epoch.
        UnknownMetricError: Training does not report the objective, or reports several values of it.
        keras_tuner.errors.FatalTypeError: `fit` returned what is no result, or passed no callbacks on.
    """
    own, throughput, rules = has_own_fit(hypermodel), Throughput(), _rules(plan)
    every = [*_in_order(rules, EpochData(train, account), throughput, account), *callbacks]
    every += [] if checkpoints is None else [_checkpointer(checkpoints, account, every, single=not own)]
    _set_model(every, model)
    if _has_its_order(train) and not own:
        fit_arguments = {"shuffle": False} | fit_arguments
    fed = resident(model, train, validation, together) if together else nullcontext((train, validation))
    beside = joined(model, every, rules, array_batch_size, account) if own else nullcontext()
    started = time.perf_counter()
    with fed as (x, validation_data), beside:
        before = weights_before(hypermodel, model)
        shrunk = len(train) / len(x) if together else 1
        throughput.together = getattr(model, "steps_per_execution", 1) * shrunk
        given = {"x": x, "validation_data": validation_data, "epochs": plan.epochs, "verbose": 0}
        returned = fit_by(hypermodel, hp, model, account, **given, callbacks=every, **fit_arguments)
    seconds = time.perf_counter() - started
    return _fitted(returned, hypermodel, model, plan, account, before, rules, throughput, seconds)


def _set_model(callbacks: Sequence[keras.callbacks.Callback], model: Any) -> None:
    """Give callbacks their model, which a training loop of the user's own may not do."""
    for each in callbacks:
        each.set_model(model)


def _in_order(
    rules: Sequence[Rule], data: EpochData, throughput: Throughput, account: Account
) -> list[keras.callbacks.Callback]:
    """Return our callbacks in the order in which they must hear of an epoch."""
    # What a rule sets before the first step is traced with it.
    first = [each for each in rules if isinstance(each, Annealing)]
    last = [each for each in rules if not isinstance(each, Annealing)]
    return [*first, FirstStep(), data, throughput, LearningRate(), account, *last]


def _has_its_order(train: Any) -> bool:
    """Whether training data must not be shuffled by Keras.

    Ours draw their order from (seed, epoch) already, where Keras would shuffle them by Python's global
    generator; a tf.data.Dataset has its author's order, of which Keras would warn.
    """
    return hasattr(train, "set_epoch") or hasattr(train, "element_spec")


def _checkpointer(
    checkpoints: Checkpoints, account: Account, callbacks: list[keras.callbacks.Callback], *, single: bool
) -> Checkpointer:
    """Return what makes the checkpoints of a training, which goes on from one if there is one."""
    made = Checkpointer(account, callbacks, checkpoints.save, checkpoints.scratch, single=single)
    if checkpoints.resume_from is not None:
        made.resume(checkpoints.resume_from)
    return made


def _fitted(
    returned: Any,
    hypermodel: keras_tuner.HyperModel,
    model: Any,
    plan: TrainingPlan,
    account: Account,
    before: Any,
    rules: Sequence[Rule],
    throughput: Throughput,
    seconds: float,
) -> Fitted:
    """Return what a training came to, with the weights that its value is of."""
    function = f"{type(hypermodel).__name__}.fit()"
    result, is_best_epoch = result_of_training(returned, account, plan.objectives, function)
    _require_finite(result, plan)
    if not account.epochs and not changed(before, model):
        raise keras_tuner.errors.FatalTypeError(
            f"{function} leaves the model that build() returned untrained, so that nothing could be published: train that model "
            "too, for instance on all of the data when the folds are done"
        )
    kept = account.weights if is_best_epoch else None
    return Fitted(
        result=result,
        weights=model.get_weights() if kept is None else kept,
        history=account.history,
        seconds=seconds,
        batches_per_second=throughput.batches_per_second,
        rules={each.rule: each.left_out if account.fits else OWN_LOOP for each in rules},
    )


def _rules(plan: TrainingPlan) -> list[Rule]:
    mode = "min" if plan.direction == "minimize" else "max"
    rules: list[Rule] = []
    if plan.annealing is not None:
        rules.append(Annealing(plan.annealing.warmup, plan.annealing.hold, plan.annealing.final))
    elif plan.plateau is not None:
        rules.append(Plateau(plan.metric, mode, plan.plateau))
    if plan.early_stopping is not None:
        rules.append(EarlyStopping(plan.metric, mode, plan.early_stopping))
    return rules


def _require_finite(result: Result, plan: TrainingPlan) -> None:
    for objective, value in zip(plan.objectives, result.values, strict=True):
        if not math.isfinite(value):
            raise NotFiniteError(f"{objective.metric} is {value}")
