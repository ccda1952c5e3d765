"""What a definition asks to be trained: its HyperModel and its data, loaded once per training process."""

from dataclasses import dataclass
from typing import Any

import keras_tuner

from studyhall.data.separation import TrainingData, load
from studyhall.search.user_code import load_hypermodel
from studyhall.studies.definition import Definition


@dataclass(frozen=True)
class Workload:
    """A definition's HyperModel and data, ready to train."""

    hypermodel: keras_tuner.HyperModel
    data: TrainingData


def load_workload(
    definition: Definition,
    *,
    samples_per_epoch: int | None = None,
    batch_size: int | None = None,
) -> Workload:
    """Load what a definition names; files are looked up in the folder it was read in.

    Args:
        definition: the study's definition.
        samples_per_epoch: examples in an epoch, if not the definition's `data.samples_per_epoch`.
        batch_size: examples in a batch, if not the definition's `training.batch_size`.

    Raises:
        UserCodeError: the HyperModel cannot be imported or built from its arguments.
        DataError: the data cannot be had.
    """
    hypermodel = load_hypermodel(
        definition.hypermodel.path, definition.hypermodel.arguments, definition.folder
    )
    data = load(
        source=definition.data.source,
        mix=definition.data.mix,
        samples_per_epoch=samples_per_epoch or definition.data.samples_per_epoch,
        validation_samples=definition.data.validation_samples,
        validation_images=definition.data.validation_images,
        batch_size=batch_size or definition.training.batch_size,
        seed=definition.training.seed,
    )
    return Workload(hypermodel, data)


def parameter_count(model: Any) -> int:
    """Return how many numbers a built model holds, trainable or not, as Keras counts them."""
    return int(model.count_params())
