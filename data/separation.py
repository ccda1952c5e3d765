"""The built-in workload's data: a source's mixtures, ready to train and to validate on."""

from dataclasses import dataclass
from typing import Any

from studyhall.data.batches import MixtureBatches
from studyhall.data.sources import load_source
from studyhall.data.splits import split


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a trial trains on.

    Args:
        train: Anything that Keras's `fit` takes as `x`; its `set_epoch`, where it has one, is called with
            each epoch.
        validation: Anything that `fit` takes as `validation_data`; the same in every epoch.
        fingerprint: Identifies the data, as `sha256:` and a digest.
        samples_per_epoch: Mixtures in an epoch of `train`.
    """

    train: Any
    validation: Any
    fingerprint: str
    samples_per_epoch: int


def load(
    source: str,
    mix: str,
    samples_per_epoch: int,
    validation_samples: int,
    validation_images: int,
    batch_size: int,
    seed: int,
) -> TrainingData:
    """Compose the training and validation mixtures of a built-in source.

    Args:
        source: `mnist-fashion` or `synthetic`.
        mix: `mean` or `sum`.
        samples_per_epoch: Mixtures in an epoch of training, drawn anew for each epoch.
        validation_samples: Mixtures to validate on, drawn once.
        validation_images: Training images of each kind that are held out, for validation alone.
        batch_size: Mixtures in a batch; it changes neither which are drawn nor their order.
        seed: Of the draws, at least 0; give all trials of a study the same one and their scores compare.

    Raises:
        DataError: If the source cannot be loaded, or an argument is none of those.
    """
    images = load_source(source)
    splits = split(images, validation_images)
    return TrainingData(
        train=MixtureBatches(
            splits.train, mix=mix, batch_size=batch_size, samples=samples_per_epoch, seed=seed, stream="train"
        ),
        # Its epoch is never set, so it stays at the draw of epoch 0.
        validation=MixtureBatches(
            splits.validation,
            mix=mix,
            batch_size=batch_size,
            samples=validation_samples,
            seed=seed,
            stream="validation",
        ),
        fingerprint=images.fingerprint,
        samples_per_epoch=samples_per_epoch,
    )
