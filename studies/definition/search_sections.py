"""The sections that say how the search goes: storage, objective, budget, sampler, pruner and scheduler."""

import re
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from studyhall.did_you_mean import closest, suggested
from studyhall.studies.artifacts.s3.location import SCHEME, S3Location
from studyhall.studies.database.names import FORMS, is_file_name
from studyhall.studies.definition.section import Section, Table
from studyhall.studies.errors import ArtifactError

_MINIMIZED = frozenset({"loss", "error", "mse", "mae", "rmse", "mape", "msle", "crossentropy"})

ARTIFACTS = "artifacts"
"""Where the artifact store is, unless a definition says otherwise: a folder."""

KEEP_MODELS = 3
"""Of how many trials the weights are kept, unless a definition says otherwise."""

PARAMETERS = "parameters"
"""The objective that is the size of the model, in numbers."""

_MAXIMIZED = frozenset({"acc", "accuracy", "auc", "precision", "recall", "f1", "iou", "psnr", "ssim"})


class StorageSpec(Section):
    """Where the study and its files are kept."""

    shorthand: ClassVar[str | None] = "url"

    url: str = Field(
        default="sqlite:///studies.db",
        description="Database that holds the study: the name of an SQLite file, or an SQLAlchemy URL. A relative file is "
        "looked up from the folder where the command is run, and by what needs a study that is there, beside the study file and above it as well.",
    )
    artifacts: str = Field(
        default=ARTIFACTS,
        min_length=1,
        description="Folder that holds models, figures and published bundles; every worker must see it. Or a bucket of an "
        "S3-compatible store: 's3://BUCKET/PREFIX', with '?endpoint=https://HOST:PORT' where it is not Amazon's.",
    )

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if not re.match(r"[a-z][a-z0-9+]*://", url) and not is_file_name(url):
            # Not quoted: it may hold a password.
            raise ValueError(f"is neither a file's name nor a URL; {FORMS}")
        return url

    @field_validator("artifacts")
    @classmethod
    def _is_a_place(cls, artifacts: str) -> str:
        if artifacts.lower().startswith(SCHEME):
            try:
                S3Location.parse(artifacts)
            except ArtifactError as error:
                raise ValueError(str(error)) from None
        return artifacts


class FurtherObjectiveSpec(Section):
    """One more thing that a trial is judged by, as it was at the first objective's best epoch."""

    shorthand: ClassVar[str | None] = "metric"

    metric: str = Field(
        default="val_loss",
        min_length=1,
        description="Name under which training reports the objective; a trial's result is its best epoch's. "
        "'parameters' is the size of the model, which no training reports.",
    )
    direction: Literal["minimize", "maximize"] = Field(
        default="minimize",
        description="Whether a smaller or a larger metric is better: 'minimize' or 'maximize'. Left out, the "
        "metric's name decides where it is a loss, an error or an accuracy.",
    )

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in the direction where the metric's name says it; a wrong guess would find the worst trial."""
        metric = given.get("metric")
        if "direction" in given or not isinstance(metric, str):
            return given
        if metric == PARAMETERS:
            return given | {"direction": "minimize"}
        words = set(re.split(r"[^a-z0-9]+", metric.lower()))
        if words & _MINIMIZED:
            return given | {"direction": "minimize"}
        if words & _MAXIMIZED:
            return given | {"direction": "maximize"}
        meant = _spelt(metric)
        hint = "" if meant is None else f"{suggested([meant])} Otherwise "
        raise ValueError(
            f"metric {metric!r} needs a direction; {hint}add direction = 'minimize' or 'maximize'"
        )


def _spelt(metric: str) -> str | None:
    """Return a metric's name in which a word that nobody knows is one that is almost it; None if none is."""
    for word in re.findall(r"[a-z0-9]+", metric.lower()):
        if near := closest(word, _MINIMIZED | _MAXIMIZED, cutoff=0.8):
            return metric.lower().replace(word, near[0])
    return None


class ObjectiveSpec(FurtherObjectiveSpec):
    """What a trial is judged by."""

    also: list[FurtherObjectiveSpec] = Field(
        default_factory=list,
        description="More objectives, which the search trades off against each other. A study file may also list all "
        "of them, each as [[objective]]. The first one decides which epoch of a trial is its best, and which trial is "
        "published. Nothing is pruned.",
    )

    @field_validator("also")
    @classmethod
    def _is_not_said_twice(cls, also: list[FurtherObjectiveSpec]) -> list[FurtherObjectiveSpec]:
        metrics = [each.metric for each in also]
        if len(set(metrics)) < len(metrics):
            raise ValueError("a metric is named twice; an objective is one metric")
        return also


class FromStudySpec(Section):
    """An earlier study whose best trials are tried first."""

    shorthand: ClassVar[str | None] = "study"

    study: str = Field(min_length=1, description="Its name in the storage.")
    trials: int = Field(default=3, ge=1, description="How many of its best trials, of those that fit.")


class SearchSpec(Section):
    """How much is tried."""

    trials: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="Number of trials; raise it later and the study continues, lower it and waiting trials are "
        "withdrawn.",
    )
    hours: float | None = Field(
        default=None,
        gt=0.0,
        description="Hours after the study's first trial began in which trials are trained; each worker ends the epoch that "
        "it is at, and keeps the trial for later. Left out, as long as it takes.",
    )
    epochs: int | None = Field(
        default=None,
        ge=1,
        description="Epochs that all trials together may train, exactly; left out, as many as they need.",
    )
    target: float | None = Field(
        default=None,
        description="Objective that is good enough: when a complete trial has it, the search ends everywhere.",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="Seed of what is proposed and of initial weights."
    )
    repeat: bool = Field(
        default=False,
        description="Whether a configuration may be tried again, to see how results vary. Left out, none is, and "
        "the search ends when all configurations of a finite space were tried.",
    )
    keep_models: int = Field(
        default=KEEP_MODELS,
        ge=0,
        description="Number of the best trials whose weights are kept, in case a retraining ends worse; the others' "
        "are removed.",
    )
    figures: bool = Field(
        default=True,
        description="Whether each complete trial has pictures of its history and, where it makes images, of its predictions "
        "for a few examples; small files in the artifact store, for the dashboard.",
    )


class SamplerSpec(Section):
    """Which of Optuna's samplers proposes hyperparameters."""

    shorthand: ClassVar[str | None] = "name"

    name: str = Field(
        default="TPESampler", description="A sampler of optuna.samplers: 'TPESampler', or 'tpe' for short."
    )
    options: Table = Field(
        default_factory=dict,
        description="What its constructor takes. Unless you say otherwise, TPE groups conditional hyperparameters, of which "
        "it would draw most independently, and draws the first 5 trials at random instead of 10.",
    )

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Tell TPE to be multivariate, to group, and to begin early, where nothing else was said.

        Searches of networks are short. On 60 random problems of their shape, five random trials at the
        beginning left a fifth less regret after 12 trials than ten, and no more after 32
        (tests/benchmarks/RESULTS.md).
        """
        options = given.get("options", {})
        name = given.get("name", "tpe")
        if not isinstance(options, dict) or str(name).lower().removesuffix("sampler") != "tpe":
            return given
        options = {"multivariate": True, "n_startup_trials": 5} | options
        if options["multivariate"] is True:  # Optuna cannot group otherwise
            options = {"group": True} | options
        return given | {"options": options}


class PrunerSpec(Section):
    """Which of Optuna's pruners ends hopeless trials early."""

    shorthand: ClassVar[str | None] = "name"

    name: str = Field(
        default="MedianPruner",
        description="A pruner of optuna.pruners: 'MedianPruner', or 'median' for short; 'none' for no pruning. Trials are judged by "
        "the best value that they had reached by an epoch.",
    )
    options: Table = Field(
        default_factory=dict, description="What its constructor takes; its steps are finished epochs."
    )

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Have the pruner that nobody chose judge from the second epoch on, and from the third trial.

        The first epoch says little about the last: verdicts on it lost the best network in a tenth to a half
        of the replayed searches. Those on the second lost none, and the sooner they began the sooner the best
        was found (tests/benchmarks/RESULTS.md).
        """
        return given or {"options": {"n_startup_trials": 2, "n_warmup_steps": 2}}


class SchedulerSpec(Section):
    """Whether trials pause on their way, so that the most promising are trained further first."""

    shorthand: ClassVar[str | None] = "name"

    name: Literal["none", "asha"] = Field(
        default="none",
        description="'none' trains each trial to its end; 'asha' (asynchronous successive halving) pauses trials at rungs, and "
        "continues the best of each rung. It takes the place of a pruner.",
    )
    min_epochs: int = Field(default=1, ge=1, description="Epochs at which the first rung is.")
    reduction_factor: int = Field(
        default=3,
        ge=2,
        description="The next rung is at so many times the epochs, and one in so many trials of a rung goes on to it.",
    )

    @property
    def pauses(self) -> bool:
        """Whether trials pause."""
        return self.name != "none"

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs after which a trial of so many epochs may pause."""
        found, rung = [], self.min_epochs
        while self.pauses and rung < epochs:
            found.append(rung)
            rung *= self.reduction_factor
        return tuple(found)

    @model_validator(mode="after")
    def _every_setting_counts(self) -> "SchedulerSpec":
        for name in ("min_epochs", "reduction_factor"):
            if not self.pauses and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} has no effect where nothing pauses; add name = 'asha', or remove it"
                )
        return self
