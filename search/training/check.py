"""The check: a trial, a retraining and a publication rehearsed before anything is queued."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras_tuner

from studyhall.models.errors import ConfigurationError
from studyhall.search.bridge.hyperparameters import TrialHyperParameters, recorded_values
from studyhall.search.core.handle import Start
from studyhall.search.core.outcome import Checked
from studyhall.search.devices import setup as device_setup
from studyhall.search.training.account import Account, NotFiniteError, UnknownMetricError, instead
from studyhall.search.training.callbacks import Admission, Report, Watch
from studyhall.search.training.check_facts import facts_of
from studyhall.search.training.fit import (
    Checkpoints,
    Fitted,
    TrainingPlan,
    account_of,
    batches_on_device,
    fit,
)
from studyhall.search.training.not_finite import Spot, beginning_with_spots, remedy
from studyhall.search.training.own_fit import has_own_fit, require_end
from studyhall.search.training.random_configurations import unbuildable
from studyhall.search.training.rehearsal import (
    EpochBatches,
    StopAfter,
    blamed_on_data,
    is_used_up_by_a_pass,
    without_an_end,
)
from studyhall.search.training.retrain import retraining_plan
from studyhall.search.training.rules import A_CALLBACKS, COSINE, is_for_a_callbacks_rate
from studyhall.search.training.saving import (
    UnsavableModelError,
    is_plain,
    loads_here,
    save_model,
    what_loading_needs,
)
from studyhall.search.training.session import built, prepare
from studyhall.search.training.trial import blame_of, given_of, trial_plan
from studyhall.search.training.warm_start import DryHandle, misfits
from studyhall.search.user.errors import located, whole_traceback
from studyhall.search.user.examples import (
    Examples,
    arguments_for,
    first_batches,
    is_endless,
    one_example,
)
from studyhall.search.user.given import Given
from studyhall.search.user.workload import Workload, ensure_built, parameter_count
from studyhall.studies.bundle.manifest import Loading
from studyhall.studies.definition import Definition
from studyhall.studies.definition.search_sections import PARAMETERS
from studyhall.studies.errors import StudyhallError, UserCodeError
from studyhall.studies.values import Value

BATCHES = 2
EPOCHS = 2


class DefaultsHandle(DryHandle):
    """A handle without a study, of a trial that has the defaults."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, Start(defaults=True, implied=True))


def run_check(
    definition: Definition,
    workload: Workload,
    configurations: Sequence[Mapping[str, Value]] = (),
    *,
    thorough: bool = False,
    say: Callable[[str], None] = lambda phase: None,
) -> Checked:
    """Train the default model as a trial would, for two epochs of two batches, and do what comes after.

    Args:
        definition: The study's definition.
        workload: Its HyperModel and data.
        configurations: More of them, of which is only said whether they can be built.
        thorough: Whether a retraining is rehearsed, too, a few random configurations are built, and the saved
            model is loaded in a process of its own. The last is done anyway where the model has classes that
            are not Keras's.
        say: Hears what is about to be done, for whoever waits.

    Raises:
        UserCodeError: A trial, a retraining or a publication of the study could not work; the message says
            why.
    """
    with TemporaryDirectory(prefix="studyhall-check-") as folder:
        check = _Check(definition, workload, Path(folder), say)
        try:
            return check.run(configurations, thorough=thorough)
        except StudyhallError as error:
            raise located(error, definition.folder) from error.__cause__
        except keras_tuner.errors.FailedTrialError as error:
            raise UserCodeError(
                f"{definition.hypermodel.path} refuses its default hyperparameters: {error}"
            ) from error
        except (ConfigurationError, UnsavableModelError) as error:
            raise UserCodeError(f"{definition.hypermodel.path}: {error}") from error
        except NotFiniteError as error:
            raise UserCodeError(
                f"training cannot work with the default hyperparameters: {error}, of {BATCHES} batches: {remedy(check.spots)}"
            ) from error
        except UnknownMetricError as error:
            raise UserCodeError(check.without_objective(error)) from error
        except keras_tuner.errors.FatalError as error:
            raise UserCodeError(f"{definition.hypermodel.path}: {error}") from error
        except (Exception, SystemExit) as error:
            blame = blame_of(definition, " with its default hyperparameters", " on two batches")
            refusal = UserCodeError(blame.line(error, check.given))
            refusal.details = whole_traceback(error)
            raise refusal from error


class _Check:
    """The check of one definition."""

    def __init__(
        self, definition: Definition, workload: Workload, folder: Path, say: Callable[[str], None]
    ) -> None:
        self._definition = definition
        self._workload = workload
        self._folder = folder
        self._say = say
        self._account: Account | None = None
        self.spots: list[Spot] = []
        self.given: Given | None = None

    def run(self, configurations: Sequence[Mapping[str, Value]], *, thorough: bool) -> Checked:
        """Do all of it."""
        definition, hypermodel = self._definition, self._workload.hypermodel
        self._say(f"building the default model of {definition.hypermodel.path}")
        hp = TrialHyperParameters(DefaultsHandle(definition.search.seed))
        model, whole = self._built(hp)
        self._say(f"training the default model on {BATCHES} batches of {definition.data.source}")
        fitted, account = self._trained(model, whole, hp, trial_plan(definition))
        logs = account.best or account.epochs[-1] if account.epochs else fitted.result.metrics
        for metric, value in zip(account.metrics, fitted.result.values, strict=True):
            logs = {**logs, metric: value}
        loading = self._saved(model, whole, fitted, thorough=thorough)
        rules = {**fitted.rules}
        unbuilt: list[str] = []
        endless: list[str] = []
        if thorough:
            self._say("rehearsing the retraining")
            again = TrialHyperParameters(DefaultsHandle(definition.search.seed))
            rules |= self._retraining_rules(again)
            self._say("building a few random configurations")
            unbuilt = unbuildable(hypermodel, definition.search.seed)
            if not has_own_fit(hypermodel):
                self._say(f"looking for the end of {definition.data.source}")
                endless = without_an_end(whole)
        return Checked(
            parameter_count(model),
            tuple(sorted(logs)),
            recorded_values(hp),
            facts_of(self._workload.hypermodel, hp, model, whole, logs, account)
            | {"rules": rules, "loading": loading, "unbuilt": unbuilt, "endless": endless},
            tuple(misfits(hypermodel, configurations, self._workload.examples)),
        )

    def _retraining_rules(self, hp: TrialHyperParameters) -> dict[str, str | None]:
        """Rehearse the retraining, and return which of its rules act."""
        plan = retraining_plan(self._definition)
        model, data = self._built(hp)
        try:
            return self._trained(model, data, hp, plan, resumes=False)[0].rules
        except (TypeError, AttributeError) as error:
            if plan.annealing is None or not is_for_a_callbacks_rate(error):
                raise
        model, data = self._built(hp)
        fitted, _ = self._trained(model, data, hp, replace(plan, annealing=None), resumes=False)
        return fitted.rules | {COSINE: A_CALLBACKS}

    def _built(self, hp: TrialHyperParameters) -> tuple[Any, Examples]:
        """Return a model and its data."""
        definition = self._definition
        prepare(definition, self._workload, definition.search.seed)
        model = built(definition, self._workload, hp)
        examples = self._workload.examples(hp)
        self.given = given_of(examples, definition)
        require_end(self._workload.hypermodel, examples, definition.data.source)
        ensure_built(model, examples)
        device_setup.use_compilation(model)
        return model, examples

    def _trained(
        self,
        model: Any,
        whole: Examples,
        hp: TrialHyperParameters,
        plan: TrainingPlan,
        *,
        resumes: bool = True,
    ) -> tuple[Fitted, Account]:
        """Train a few batches with all that a trial has, and see that a second epoch finds as many."""
        hypermodel, handle = self._workload.hypermodel, DefaultsHandle(self._definition.search.seed)
        plan = replace(plan, epochs=EPOCHS)
        account = self._account = account_of(hypermodel, plan)
        batches = EpochBatches()
        callbacks = [batches, Admission(handle, account), Report(handle, account), Watch(handle, account)]
        if is_endless(whole.train):
            callbacks.append(StopAfter(BATCHES))
        if resumes:
            whole, self.spots = beginning_with_spots(whole)
        examples = first_batches(whole, BATCHES)
        source = self._definition.data.source
        with blamed_on_data(examples, source, self._definition.folder):
            fitted = fit(
                hypermodel,
                hp,
                model,
                examples.train,
                examples.validation,
                plan,
                account,
                batches_on_device(hypermodel, model, examples.train, examples.validation),
                callbacks,
                Checkpoints(None, handle.checkpoint, self._folder) if resumes else None,
                examples.fit_arguments.get("batch_size"),
                **arguments_for(hypermodel, examples),
            )
        if batches.first == 0 and account.fits:
            raise UserCodeError(f"an epoch of '{source}' has 0 batches: it must hold one full batch at least")
        if batches.is_used_up or is_used_up_by_a_pass(whole.train) or is_used_up_by_a_pass(whole.validation):
            raise UserCodeError(
                f"'{source}' returns data that are used up after one epoch: return a tf.data.Dataset whose generator function begins "
                "anew each time, or a keras.utils.PyDataset"
            )
        return fitted, account

    def _saved(self, model: Any, whole: Examples, fitted: Fitted, *, thorough: bool) -> Loading | None:
        """Save the model and load it as a stranger would; return what that needs beyond `load_model`."""
        self._say("saving the model")
        model.set_weights(fitted.weights)
        path = save_model(model, self._folder)
        plain = is_plain(path)
        if plain and not thorough:
            return None
        x = one_example(whole)
        if plain and loads_here(path, model, x):
            return None
        self._say("loading the saved model in a process of its own")
        return what_loading_needs(self._definition, path, self._folder, model, x)

    def without_objective(self, error: UnknownMetricError) -> str:
        """Say why training reports no objective."""
        reported = self._account.epochs[-1] if self._account is not None and self._account.epochs else {}
        for metric in self._definition.metrics:
            if (
                reported
                and metric not in (*reported, PARAMETERS)
                and not has_own_fit(self._workload.hypermodel)
            ):
                told = instead(metric, reported)
                return f"objective.metric is '{metric}', which training never reports{told}"
        return f"objective.metric: {error}"
