"""The sections that say what is trained and how: HyperModel, data, training and retraining."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from studyhall.did_you_mean import did_you_mean
from studyhall.studies.definition.section import Reference, Section, Table, file_of, is_reference

BUILT_IN_HYPERMODEL = "studyhall.models:SeparationHyperModel"
SCRIPTS_HYPERMODEL = "studyhall.search.tuner.script:hypermodel"
"""What stands for the HyperModel of a script in the definition of its study."""
BUILT_IN_SOURCES = ("mnist-fashion", "synthetic")
UNCHOSEN_PRECISION: Literal["keras"] = "keras"
"""The `training.precision` that leaves the choice to the user's code."""
ON, OFF = "<on>", "<off>"
"""Marks, in pydantic's error locations, of a section that can be switched off; never keys of the TOML."""


class HyperModelSpec(Section):
    """The network whose hyperparameters are searched."""

    shorthand: ClassVar[str | None] = "path"

    path: Reference = Field(
        default=BUILT_IN_HYPERMODEL,
        description="A KerasTuner HyperModel class or a build(hp) function: 'file.py:name', looked up from the "
        "study file's folder, or 'package.module:name'. Every study file names one.",
    )
    arguments: Table = Field(
        default_factory=dict,
        description="What the class is constructed with, or the function is given besides hp.",
    )


class DataSpec(Section):
    """The examples."""

    shorthand: ClassVar[str | None] = "source"

    source: str = Field(
        default="mnist-fashion",
        description="'mnist-fashion', 'synthetic' (small drawn shapes that need no download), or a function of "
        "yours: 'file.py:name', looked up from the study file's folder, or 'package.module:name'. It may be left out "
        "beside a HyperModel of studyhall.models alone, and is 'mnist-fashion' then.",
    )
    mix: Literal["mean", "sum"] = Field(
        default="mean", description="How a digit and an item make one image: 'mean' or 'sum'."
    )
    samples_per_epoch: int = Field(
        default=50_000, ge=1, description="Mixtures in an epoch of training; each epoch draws new ones."
    )
    validation_samples: int = Field(
        default=5_000, ge=1, description="Mixtures that each epoch is judged by; always the same ones."
    )
    validation_images: int = Field(
        default=5_000,
        ge=1,
        description="Images of each kind that are held out of training to make those mixtures from.",
    )
    arguments: Table = Field(default_factory=dict, description="What your own function is called with.")

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Shrink the defaults to the synthetic source, which has 256 images of each kind to train on."""
        if given.get("source") != "synthetic":
            return given
        return {"samples_per_epoch": 512, "validation_samples": 128, "validation_images": 64} | given

    @field_validator("source")
    @classmethod
    def _is_a_source(cls, source: str) -> str:
        if source in BUILT_IN_SOURCES or is_reference(source):
            return source
        hint = did_you_mean(source, BUILT_IN_SOURCES)
        raise ValueError(
            f"there is no source {source!r}, and a function of yours is named 'file.py:name'; {hint}"
        )

    @model_validator(mode="after")
    def _every_setting_counts(self) -> "DataSpec":
        if self.source in BUILT_IN_SOURCES:
            if self.arguments and "source" not in self.model_fields_set:
                raise ValueError(
                    "arguments are for a function of yours, and source names none; write source = "
                    "'my_data.py:load'"
                )
            if self.arguments:
                raise ValueError(f"source {self.source!r} takes no arguments; remove them")
            return self
        for name in ("mix", "samples_per_epoch", "validation_samples", "validation_images"):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} does not apply to {self.source!r}; pass it in arguments if your function needs it"
                )
        return self


class EarlyStoppingSpec(Section):
    """When a training ends before its last epoch."""

    patience: int = Field(default=5, ge=0, description="Epochs without improvement to wait for.")
    min_delta: float = Field(default=0.0, ge=0.0, description="Smallest change that counts as improvement.")


class PlateauSpec(Section):
    """When the learning rate is reduced."""

    factor: float = Field(default=0.5, gt=0.0, lt=1.0, description="What the learning rate is multiplied by.")
    patience: int = Field(default=2, ge=0, description="Epochs without improvement to wait for.")
    min_delta: float = Field(default=0.0, ge=0.0, description="Smallest change that counts as improvement.")
    cooldown: int = Field(default=0, ge=0, description="Epochs after a reduction that count for nothing.")
    min_learning_rate: float = Field(default=1e-6, ge=0.0, description="The learning rate falls no lower.")


def is_built_in(reference: Any) -> bool:
    """Whether a reference names a HyperModel of `studyhall.models`, which knows the built-in sources."""
    text = str(reference)
    module = text.partition(":")[0]
    return file_of(text) is None and (module == "studyhall.models" or module.startswith("studyhall.models."))


def _position(given: Any) -> str:
    return OFF if given is False else ON


def _default_if_true(given: Any) -> Any:
    return {} if given is True else given


EarlyStopping = Annotated[
    Annotated[EarlyStoppingSpec, Tag(ON)] | Annotated[Literal[False], Tag(OFF)],
    Discriminator(_position),
    BeforeValidator(_default_if_true),
]
Plateau = Annotated[
    Annotated[PlateauSpec, Tag(ON)] | Annotated[Literal[False], Tag(OFF)],
    Discriminator(_position),
    BeforeValidator(_default_if_true),
]


class TrainingSpec(Section):
    """How a trial is trained."""

    epochs: int = Field(default=20, ge=1, description="Epochs at most.")
    batch_size: int = Field(default=64, ge=1, description="Examples in a batch.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Seed of the examples that are drawn.")
    precision: Literal["keras", "float32", "mixed", "auto"] = Field(
        default=UNCHOSEN_PRECISION,
        description="How networks compute: 'keras', by the dtype policy that your code sets in Keras, which is float32 unless it "
        "says otherwise; 'float32'; 'mixed', in half precision with float32 weights; or 'auto', which is 'mixed' on GPUs that "
        "gain from it. Workers on other devices then give other results.",
    )
    early_stopping: EarlyStopping = Field(
        default_factory=EarlyStoppingSpec,
        description="Ends a trial whose objective no longer improves; false trains every epoch.",
    )
    reduce_learning_rate: Plateau = Field(
        default_factory=PlateauSpec,
        description="Reduces the learning rate when the objective no longer improves; false leaves it alone.",
    )


class RetrainingSpec(Section):
    """How the best trial's configuration is trained again, for longer, before it is published."""

    epochs: int = Field(default=50, ge=1, description="Epochs at most.")
    samples_per_epoch: int | None = Field(
        default=None, ge=1, description="Mixtures in an epoch; left out, data.samples_per_epoch."
    )
    batch_size: int | None = Field(
        default=None, ge=1, description="Examples in a batch; left out, training.batch_size."
    )
    schedule: Literal["cosine", "plateau", "constant"] = Field(
        default="cosine",
        description="The learning rate: 'cosine' keeps it up and then anneals it, 'plateau' reduces it when "
        "nothing improves, 'constant' leaves it to the HyperModel.",
    )
    warmup: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="Share of the steps in which 'cosine' raises the rate from zero.",
    )
    hold: float = Field(
        default=0.0, ge=0.0, le=1.0, description="Share of the steps after which 'cosine' begins to anneal."
    )
    final_learning_rate: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="Where 'cosine' ends, as a share of the trial's learning rate.",
    )
    early_stopping: EarlyStopping = Field(
        default=False,
        description="Ends the retraining when the objective no longer improves; 'cosine' needs its last epochs.",
    )
    reduce_learning_rate: Plateau = Field(
        default_factory=PlateauSpec, description="How 'plateau' reduces the learning rate."
    )

    @model_validator(mode="after")
    def _plateau_has_its_rule(self) -> "RetrainingSpec":
        if self.schedule == "plateau" and self.reduce_learning_rate is False:
            raise ValueError(
                "schedule 'plateau' needs reduce_learning_rate; remove its 'false', or use 'constant'"
            )
        return self
