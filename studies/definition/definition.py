"""The definition of a study: everything that it is asked to do, as one frozen value."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from studyhall.studies.definition.search_sections import (
    PARAMETERS,
    FromStudySpec,
    FurtherObjectiveSpec,
    ObjectiveSpec,
    PrunerSpec,
    SamplerSpec,
    SchedulerSpec,
    SearchSpec,
    StorageSpec,
)
from studyhall.studies.definition.section import HyperparameterValue, Section, file_of
from studyhall.studies.definition.training_sections import (
    BUILT_IN_HYPERMODEL,
    BUILT_IN_SOURCES,
    DataSpec,
    HyperModelSpec,
    RetrainingSpec,
    TrainingSpec,
    is_built_in,
)
from studyhall.studies.one_line import redact
from studyhall.studies.study_name import study_name
from studyhall.studies.values import Value


class Origin(Section):
    """Where a definition was read: no part of its TOML, but of its record in the storage."""

    folder: str = Field(
        default="", description="Folder that file paths start from, absolute on that machine."
    )
    files: dict[str, str] = Field(
        default_factory=dict, description="SHA-256 of each file of code that the definition names."
    )


class Definition(Section):
    """A study, as its TOML says it, with every default filled in.

    The HyperModel and the data have defaults here, which records of older studies rely on; a TOML has to name
    them (see `define`).
    """

    name: str = Field(
        description="The study's name in its storage, in which all but letters, digits, '.', '_' and '-' becomes '-'. Left out, the "
        "name of this file, and of the project's folder where the file is 'study.toml'."
    )
    description: str = Field(default="", description="A note for people.")
    scale: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="What the budget is multiplied by, above 0 and at most 1, for a small machine: trials, epochs, and "
        "mixtures of an epoch and of the validation. At 0.1 the trials take about a thousandth of the work.",
    )
    storage: StorageSpec = Field(default_factory=StorageSpec, description="Where the study is kept.")
    objective: ObjectiveSpec = Field(default_factory=ObjectiveSpec, description="What a trial is judged by.")
    search: SearchSpec = Field(default_factory=SearchSpec, description="How much is tried.")
    sampler: SamplerSpec = Field(default_factory=SamplerSpec, description="What proposes hyperparameters.")
    pruner: PrunerSpec = Field(default_factory=PrunerSpec, description="What ends hopeless trials early.")
    scheduler: SchedulerSpec = Field(
        default_factory=SchedulerSpec, description="What pauses trials, and which of them continues first."
    )
    hypermodel: HyperModelSpec = Field(
        default_factory=HyperModelSpec, description="The network whose hyperparameters are searched."
    )
    data: DataSpec = Field(default_factory=DataSpec, description="The examples.")
    training: TrainingSpec = Field(default_factory=TrainingSpec, description="How a trial is trained.")
    retraining: RetrainingSpec = Field(
        default_factory=RetrainingSpec,
        description="How the best configuration is trained before it is published.",
    )
    enqueue: list[dict[str, HyperparameterValue]] = Field(
        default_factory=list,
        description="Configurations to try right after the HyperModel's written defaults, by hyperparameter name.",
    )
    from_study: list[FromStudySpec] = Field(
        default_factory=list,
        description="Earlier studies of the same storage whose best configurations are tried after those: names, or "
        "tables {study = ..., trials = 3}. What does not fit this HyperModel is left out.",
    )
    origin: Origin = Field(default_factory=Origin, description="Where the definition was read.")

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in what depends on other sections: so it need be said only once."""
        return cls._with_mix(cls._without_pruner(cls._with_objectives(given)))

    @classmethod
    def _with_objectives(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Make one table of a list of objectives, and prune nothing where there are several."""
        objective = given.get("objective")
        if isinstance(objective, list):
            if not objective:
                raise ValueError("the list of objectives is empty; name at least one")
            first, *also = objective
            first = _table(first, ObjectiveSpec)
            given = given | {"objective": first | {"also": also} if also else first}
        if _table(given.get("objective"), ObjectiveSpec).get("also") and not given.get("pruner"):
            given = given | {"pruner": "none"}
        return given

    @classmethod
    def _without_pruner(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Prune nothing where trials pause and nobody chose a pruner."""
        name = _table(given.get("scheduler"), SchedulerSpec).get("name", "none")
        return given if name == "none" or given.get("pruner") else given | {"pruner": "none"}

    @classmethod
    def _with_mix(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Tell our own networks how the mixtures are made."""
        mix = _table(given.get("data"), DataSpec).get("mix", "mean")
        model = _table(given.get("hypermodel"), HyperModelSpec)
        path, arguments = model.get("path", BUILT_IN_HYPERMODEL), model.get("arguments", {})
        if mix == "mean" or not is_built_in(path) or not isinstance(arguments, dict):
            return given
        return given | {"hypermodel": model | {"arguments": {"mix": mix} | arguments}}

    @field_validator("name")
    @classmethod
    def _can_be_in_a_url(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("is empty; write a name, or leave it out")
        return study_name(name)

    @field_validator("enqueue")
    @classmethod
    def _says_something(cls, configurations: list[dict[str, Value]]) -> list[dict[str, Value]]:
        if not all(configurations):
            raise ValueError("an empty configuration is the default one, which is tried anyway; remove it")
        return configurations

    @model_validator(mode="after")
    def _mixtures_agree(self) -> "Definition":
        told = self.hypermodel.arguments.get("mix", self.data.mix)
        if is_built_in(self.hypermodel.path) and told != self.data.mix:
            raise ValueError(
                f"hypermodel.arguments.mix is {told!r} but data.mix is {self.data.mix!r}; remove the former"
            )
        return self

    @model_validator(mode="after")
    def _objectives_go_together(self) -> "Definition":
        if self.objective.metric in [each.metric for each in self.objective.also]:
            raise ValueError(
                f"objective: metric {self.objective.metric!r} is named twice; an objective is one metric"
            )
        if self.objective.also and self._prunes:
            raise ValueError(
                f"pruner: Optuna cannot prune trials that have several objectives; remove pruner {self.pruner.name!r}"
            )
        if self.objective.metric == PARAMETERS:
            raise ValueError(
                f"objective: {PARAMETERS!r} is the same at every epoch and so cannot say which is the best; put "
                "another objective first"
            )
        return self

    @model_validator(mode="after")
    def _trials_can_pause(self) -> "Definition":
        scheduler, epochs = self.scheduler, self.training.epochs
        if not scheduler.pauses:
            return self
        if self.objective.also:
            raise ValueError(
                f"scheduler: {scheduler.name!r} ranks trials by one objective, and there are several; remove the scheduler"
            )
        if self._prunes:
            raise ValueError(
                f"pruner: scheduler {scheduler.name!r} decides how far a trial is trained; remove pruner {self.pruner.name!r}"
            )
        if not scheduler.rungs(epochs):
            raise ValueError(
                f"scheduler.min_epochs: no trial would pause, as it ends after {epochs} epoch{'s' if epochs > 1 else ''} "
                f"(training.epochs); it must be below that, not {scheduler.min_epochs}"
            )
        return self

    @model_validator(mode="after")
    def _own_data_have_their_own_size(self) -> "Definition":
        if self.data.source not in BUILT_IN_SOURCES and self.retraining.samples_per_epoch is not None:
            raise ValueError(
                f"retraining.samples_per_epoch does not apply to {self.data.source!r}, which itself says how much an "
                "epoch is; remove it"
            )
        return self

    @property
    def _prunes(self) -> bool:
        return self.pruner.name.lower() not in ("none", "nop", "noppruner")

    @property
    def folder(self) -> Path:
        """The folder that relative paths of the user's code start from; the current one without a file."""
        return Path(self.origin.folder)

    @property
    def files(self) -> tuple[str, ...]:
        """The files of code that the definition names, as it writes them."""
        references = (self.hypermodel.path, self.data.source)
        return tuple(dict.fromkeys(file for each in references if (file := file_of(each)) is not None))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what a trial is judged by, the most important first."""
        return tuple(each.metric for each in self._objectives())

    @property
    def directions(self) -> tuple[str, ...]:
        """Whether each of the metrics is to "minimize" or to "maximize"."""
        return tuple(each.direction for each in self._objectives())

    def _objectives(self) -> tuple[FurtherObjectiveSpec, ...]:
        return (self.objective, *self.objective.also)

    def record(self) -> dict[str, Any]:
        """Return the definition as JSON for studies and manifests, where others read it: without passwords.

        `Definition.model_validate` restores it.
        """
        record = self.model_dump(mode="json")
        record["storage"]["url"] = redact(self.storage.url)
        return record


def _table(given: Any, section: type[Section]) -> dict[str, Any]:
    """Return a section as a table, however it was given; an empty one if it is nothing of the kind."""
    if isinstance(given, Section):
        return given.model_dump()
    if isinstance(given, str) and section.shorthand is not None:
        return {section.shorthand: given}
    return given if isinstance(given, dict) else {}
