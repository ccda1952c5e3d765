"""What a study is asked to do, as one frozen, signed value."""

from studyhall.studies.definition.definition import Definition, Origin
from studyhall.studies.definition.search_sections import (
    ObjectiveSpec,
    PrunerSpec,
    SamplerSpec,
    SchedulerSpec,
    SearchSpec,
    StorageSpec,
)
from studyhall.studies.definition.training_sections import (
    DataSpec,
    EarlyStoppingSpec,
    HyperModelSpec,
    PlateauSpec,
    RetrainingSpec,
    TrainingSpec,
)

__all__ = [
    "DataSpec",
    "Definition",
    "EarlyStoppingSpec",
    "HyperModelSpec",
    "ObjectiveSpec",
    "Origin",
    "PlateauSpec",
    "PrunerSpec",
    "RetrainingSpec",
    "SamplerSpec",
    "SchedulerSpec",
    "SearchSpec",
    "StorageSpec",
    "TrainingSpec",
]
