"""The splits: which images training, validation and test may draw from, with none in two of them."""

from dataclasses import dataclass

from studyhall.data.errors import DataError
from studyhall.data.sources import Images, Source


@dataclass(frozen=True, eq=False)
class Splits:
    """A source shared out: no image of one split is in another."""

    train: Images
    validation: Images
    test: Images


def split(source: Source, validation_images: int) -> Splits:
    """Hold out the last `validation_images` digits and as many items of a source's training part.

    The last ones, and not a random choice: that needs neither a seed nor a copy, every study of a source
    validates on the same images, and neighbours in MNIST's order, which share a writer, stay on one side.

    Args:
        source: Where the images are.
        validation_images: How many of each kind to hold out.

    Raises:
        DataError: If that holds out none, or leaves none of a kind to train on.
    """
    digits, items = source.train.digits, source.train.items
    most = min(len(digits), len(items)) - 1
    if not 1 <= validation_images <= most:
        raise DataError(
            f"validation_images = {validation_images} does not fit source '{source.name}' with {len(digits)} digits "
            f"and {len(items)} items to train on: choose 1 to {most}."
        )
    return Splits(
        train=Images(digits[:-validation_images], items[:-validation_images]),
        validation=Images(digits[-validation_images:], items[-validation_images:]),
        test=source.test,
    )
