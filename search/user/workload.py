"""What a definition asks to be trained: its HyperModel and its data, loaded once per training process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras_tuner

from studyhall.data.separation import load
from studyhall.search.user.code import load_hypermodel
from studyhall.search.user.data import load_user_data
from studyhall.search.user.examples import Examples, ExamplesFor, one_example
from studyhall.search.user.keras_settings import KerasSettings, noted, settings_of
from studyhall.search.user.phases import Phase, during
from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import BUILT_IN_SOURCES


@dataclass(frozen=True)
class Workload:
    """A definition's HyperModel and data, ready to train.

    `examples(hp)` returns the data of a trial with these hyperparameters: the same for all trials, unless the
    user's data takes hyperparameters. `settings` are those that their modules have set in Keras.
    """

    hypermodel: keras_tuner.HyperModel
    examples: ExamplesFor
    settings: KerasSettings = field(default_factory=KerasSettings)


def load_workload(
    definition: Definition,
    *,
    samples_per_epoch: int | None = None,
    batch_size: int | None = None,
    say: Callable[[str], None] = lambda phase: None,
) -> Workload:
    """Load what a definition names; files are looked up in the folder it was read in.

    Args:
        definition: The study's definition.
        samples_per_epoch: Examples in an epoch, if not the definition's `data.samples_per_epoch`; a user's
            own data has a number of its own.
        batch_size: Examples in a batch, if not the definition's `training.batch_size`; a user's data set that
            makes its own batches has a size of its own.
        say: Hears what is about to be done, for whoever waits.

    Raises:
        UserCodeError: The HyperModel or the user's data cannot be imported or made from their arguments.
        DataError: The data cannot be had.
    """
    folder = str(definition.folder)
    network, data = (definition.hypermodel.path, folder), (definition.data.source, folder)
    say(f"importing {definition.hypermodel.path}")
    with noted(network):
        hypermodel = load_hypermodel(
            definition.hypermodel.path, definition.hypermodel.arguments, definition.folder
        )
    if definition.data.source not in BUILT_IN_SOURCES:
        say(f"calling {definition.data.source}")
        with noted(data):
            own = load_user_data(definition, batch_size or definition.training.batch_size)
        return Workload(hypermodel, own, settings_of(network, data))
    say(f"loading {definition.data.source}")
    examples = _built_in(
        definition,
        samples_per_epoch or definition.data.samples_per_epoch,
        batch_size or definition.training.batch_size,
    )
    return Workload(hypermodel, lambda hp: examples, settings_of(network))


def _built_in(definition: Definition, samples_per_epoch: int, batch_size: int) -> Examples:
    data = load(
        source=definition.data.source,
        mix=definition.data.mix,
        samples_per_epoch=samples_per_epoch,
        validation_samples=definition.data.validation_samples,
        validation_images=definition.data.validation_images,
        batch_size=batch_size,
        seed=definition.training.seed,
    )
    return Examples(
        data.train,
        data.validation,
        data.fingerprint,
        steps_per_epoch=len(data.train),
        batch_size=batch_size,
    )


def ensure_built(model: Any, examples: Examples) -> None:
    """Give a model that does not know its input's shape yet the shape of the examples, and so its variables.

    `keras.Sequential` without an `Input` is one; without variables nothing could be counted, continued or
    restored.
    """
    if not model.built:
        with during(Phase.FIT):
            model(one_example(examples))


def parameter_count(model: Any) -> int:
    """Return how many numbers a built model holds, trainable or not, as Keras counts them."""
    return int(model.count_params())
