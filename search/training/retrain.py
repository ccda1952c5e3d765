"""Retraining: the best configuration, trained for longer by the code that trained its trial."""

from dataclasses import replace
from pathlib import Path

from studyhall.search.bridge.hyperparameters import plain_hyperparameters
from studyhall.search.core.handle import TrialHandle
from studyhall.search.core.machine import machine_error
from studyhall.search.core.outcome import Failed, HandedBack, Retrained
from studyhall.search.devices import setup as device_setup
from studyhall.search.training import provenance, resident
from studyhall.search.training.account import NotFiniteError, UnknownMetricError
from studyhall.search.training.callbacks import Report, StopRequestedError, Watch
from studyhall.search.training.failures import kind_of
from studyhall.search.training.fit import AnnealingSpec, TrainingPlan, account_of, batches_on_device, fit
from studyhall.search.training.rules import A_CALLBACKS, COSINE, is_for_a_callbacks_rate
from studyhall.search.training.saving import UnsavableModelError, save_checked
from studyhall.search.training.session import built, prepare
from studyhall.search.training.trial import blame_of, objectives_of
from studyhall.search.user.errors import whole_traceback
from studyhall.search.user.examples import arguments_for, one_example
from studyhall.search.user.workload import Workload, ensure_built, parameter_count
from studyhall.studies.database.attributes import DATA_FINGERPRINT, PARAMETER_COUNT, RULES, SEED
from studyhall.studies.definition import Definition
from studyhall.studies.errors import StudyhallError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.values import Value


def run_retraining(
    handle: TrialHandle,
    definition: Definition,
    workload: Workload,
    hyperparameters: dict[str, Value],
    scratch: Path,
) -> Retrained | Failed | HandedBack:
    """Train one configuration as the definition's `retraining` says.

    Args:
        handle: Hears of epochs and batches, and says when to stop; its reports never prune.
        definition: The study's definition.
        workload: Its HyperModel, and its data with the batch and epoch sizes of the retraining.
        hyperparameters: The values that rebuild the network.
        scratch: An existing folder; the best epoch's model is left there as `model.keras`.

    Raises:
        MachineError: The machine is at fault, so that another try is worth it.
    """
    plan = retraining_plan(definition)
    try:
        try:
            return _retrained(handle, definition, workload, hyperparameters, scratch, plan)
        except (TypeError, AttributeError) as error:
            if plan.annealing is None or not is_for_a_callbacks_rate(error):
                raise
        # A callback of the user's own sets the rate in each epoch: it is theirs, so nothing of ours may hold
        # it.
        plan = replace(plan, annealing=None)
        retrained = _retrained(handle, definition, workload, hyperparameters, scratch, plan)
        rules = retrained.facts[RULES] | {COSINE: A_CALLBACKS}
        return replace(retrained, facts=retrained.facts | {RULES: rules})
    except StopRequestedError as stopped:
        return HandedBack(stopped.epochs)
    except NotFiniteError as error:
        return Failed(FailureKind.NAN, str(error))
    except UnknownMetricError as error:
        return Failed(FailureKind.INVALID, str(error))
    except UnsavableModelError as error:
        return Failed(FailureKind.ERROR, str(error))
    except StudyhallError:
        raise
    except (Exception, SystemExit) as error:
        if (fault := machine_error(error)) is not None:
            raise fault from error
        return Failed(kind_of(error), blame_of(definition).line(error), whole_traceback(error))


def _retrained(
    handle: TrialHandle,
    definition: Definition,
    workload: Workload,
    hyperparameters: dict[str, Value],
    scratch: Path,
    plan: TrainingPlan,
) -> Retrained:
    prepare(definition, workload, handle.seed)
    hp = plain_hyperparameters(hyperparameters)
    account = account_of(workload.hypermodel, plan)
    model = built(definition, workload, hp)
    examples = workload.examples(hp)
    ensure_built(model, examples)
    device_setup.use_compilation(model)
    together = batches_on_device(workload.hypermodel, model, examples.train, examples.validation)
    fitted = fit(
        workload.hypermodel,
        hp,
        model,
        examples.train,
        examples.validation,
        plan,
        account,
        together,
        [Report(handle, account), Watch(handle, account)],
        array_batch_size=examples.fit_arguments.get("batch_size"),
        **arguments_for(workload.hypermodel, examples),
    )
    # The published file is compiled as `build` compiled it: no schedule of ours, which others could not load,
    # and an optimizer that has taken no step.
    prepare(definition, workload, handle.seed)
    clean = built(definition, workload, plain_hyperparameters(hyperparameters))
    ensure_built(clean, examples)
    if getattr(clean, "optimizer", None) is not None:
        clean.optimizer.build(clean.trainable_variables)  # or Keras warns whoever loads the file
    clean.set_weights(fitted.weights)
    return Retrained(
        value=fitted.value,
        best_epoch=fitted.best_epoch,
        model=save_checked(clean, scratch, lambda: one_example(examples)),
        history=fitted.history,
        seconds=fitted.seconds,
        facts={
            SEED: handle.seed,
            PARAMETER_COUNT: parameter_count(clean),
            **provenance.facts(definition.folder),
            **resident.facts(together),
            DATA_FINGERPRINT: examples.fingerprint,
            RULES: fitted.rules,
        },
    )


def retraining_plan(definition: Definition) -> TrainingPlan:
    """The plan of the retraining's fit, from its definition."""
    retraining = definition.retraining
    annealing = None
    if retraining.schedule == "cosine":
        annealing = AnnealingSpec(retraining.warmup, retraining.hold, retraining.final_learning_rate)
    plateau = retraining.reduce_learning_rate if retraining.schedule == "plateau" else None
    return TrainingPlan(
        objectives=objectives_of(definition),
        epochs=retraining.epochs,
        early_stopping=retraining.early_stopping or None,
        plateau=plateau or None,
        annealing=annealing,
    )
