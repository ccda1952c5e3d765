"""Retraining: the best configuration, trained for longer by the code that trained its trial."""

from pathlib import Path

import keras

from studyhall.search.bridge.handle import TrialHandle, Value
from studyhall.search.bridge.hyperparameters import plain_hyperparameters
from studyhall.search.devices import setup as device_setup
from studyhall.search.training import provenance
from studyhall.search.training.callbacks import NotFiniteError, Report, StopRequestedError, Watch
from studyhall.search.training.fit import Annealing, TrainingPlan, fit
from studyhall.search.training.outcome import Failed, FailureKind, HandedBack, Retrained
from studyhall.search.training.trial import save_model
from studyhall.search.user.examples import arguments_for
from studyhall.search.user.workload import Workload, ensure_built, parameter_count
from studyhall.studies.definition import Definition


def run_retraining(
    handle: TrialHandle,
    definition: Definition,
    workload: Workload,
    hyperparameters: dict[str, Value],
    scratch: Path,
) -> Retrained | Failed | HandedBack:
    """Train one configuration as the definition's `retraining` says.

    Args:
        handle: hears of epochs and batches, and says when to stop; its reports never prune.
        definition: the study's definition.
        workload: its HyperModel, and its data with the batch and epoch sizes of the retraining.
        hyperparameters: the values that rebuild the network.
        scratch: an existing folder; the best epoch's model is left there as `model.keras`.
    """
    keras.utils.clear_session(free_memory=True)
    keras.utils.set_random_seed(handle.seed)
    hp = plain_hyperparameters(hyperparameters)
    model = workload.hypermodel.build(hp)
    examples = workload.examples(hp)
    ensure_built(model, examples)
    device_setup.use_compilation(model)
    try:
        fitted = fit(
            workload.hypermodel,
            hp,
            model,
            examples.train,
            examples.validation,
            retraining_plan(definition, examples.steps_per_epoch),
            [Watch(handle), Report(handle, definition.objective.metric)],
            **arguments_for(workload.hypermodel, examples),
        )
    except StopRequestedError as stopped:
        return HandedBack(stopped.epochs)
    except NotFiniteError as error:
        return Failed(FailureKind.NAN, str(error))
    # The published file is compiled as `build` compiled it: no schedule of ours, which others could not load, and no optimizer state.
    clean = workload.hypermodel.build(plain_hyperparameters(hyperparameters))
    ensure_built(clean, examples)
    clean.set_weights(fitted.weights)
    return Retrained(
        value=fitted.value,
        best_epoch=fitted.best_epoch,
        model=save_model(clean, scratch),
        history=fitted.history,
        seconds=fitted.seconds,
        facts={
            "seed": handle.seed,
            "parameters": parameter_count(clean),
            **provenance.facts(definition.folder),
            "data_fingerprint": examples.fingerprint,
        },
    )


def retraining_plan(definition: Definition, steps_per_epoch: int | None) -> TrainingPlan:
    """The plan of the retraining's fit, from its definition and the number of batches in an epoch."""
    retraining = definition.retraining
    annealing = None
    if retraining.schedule == "cosine":
        annealing = Annealing(retraining.warmup, retraining.hold, retraining.final_learning_rate)
    plateau = retraining.reduce_learning_rate if retraining.schedule == "plateau" else None
    return TrainingPlan(
        metric=definition.objective.metric,
        direction=definition.objective.direction,
        epochs=retraining.epochs,
        early_stopping=retraining.early_stopping or None,
        plateau=plateau or None,
        annealing=annealing,
        steps_per_epoch=steps_per_epoch,
    )
