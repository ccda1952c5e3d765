"""The test pairs that a picture shows: a model's best, median and worst of many."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from studyhall.data.mixtures import Mix, compose, draw_pairs, generator
from studyhall.data.sources import Images
from studyhall.search.figures.separations import Array, separations_figure
from studyhall.search.figures.wording import compact, count, short
from studyhall.search.scoring.separator import Separator

PAIRS = 500  # separated in seconds by most models, in a minute by the largest on two CPU cores
RANKS = ("best", "2nd best", "median", "median", "2nd worst", "worst")


@dataclass(frozen=True, eq=False)
class ShownPairs:
    """The pairs to show, with the errors of all.

    `x` is float32 (n, 32, 32, 1), `y` and `predicted` float32 (n, 32, 32, 2), the digit first; `names` says
    of each what its rank is, and `errors` holds the mean squared error of every pair that was separated.
    """

    x: Array
    y: Array
    predicted: Array
    names: tuple[str, ...]
    errors: Array


def separate_test_pairs(
    separator: Separator, images: Images, mix: Mix, pairs: int = PAIRS, seed: int = 0
) -> ShownPairs:
    """Separate pairs of test images, which `seed` alone decides, and choose the ones to show.

    Raises:
        ModelFileError: The model fails on them.
        ValueError: Fewer than one pair.
    """
    if pairs < 1:
        raise ValueError(f"pairs = {pairs}: at least 1 is needed")
    digits, items = draw_pairs(generator(seed, "figures", 0), images, pairs)
    x, y = compose(images.digits[digits], images.items[items], mix)
    predicted = separator.separate(x)
    errors = np.mean((predicted - y) ** 2, axis=(1, 2, 3))
    shown, names = choose(errors)
    return ShownPairs(x[shown], y[shown], predicted[shown], names, errors)


def choose(errors: Array) -> tuple[list[int], tuple[str, ...]]:
    """Return the places of two of the best, the median and the worst errors, and what to call them.

    Of fewer examples there are fewer.
    """
    order = [int(place) for place in np.argsort(errors, kind="stable")]
    middle = (len(order) - 1) // 2
    if len(order) >= len(RANKS):
        ranks = (0, 1, middle, middle + 1, len(order) - 2, len(order) - 1)
        return [order[rank] for rank in ranks], RANKS
    if len(order) >= 3:
        return [order[0], order[middle], order[-1]], ("best", "median", "worst")
    return order, ("best", "worst")[: len(order)] if len(order) == 2 else ("",)


def pairs_figure(pairs: ShownPairs, source: str, mix: str, label: str = "") -> Figure:
    """Draw the chosen pairs, and say above whose they are and what they were chosen from."""
    mean = compact(float(np.mean(pairs.errors)))
    subtitle = f"{count(len(pairs.errors), 'test mixture')} ({mix}) of {source}; mean squared error {mean}"
    return separations_figure(
        pairs.x,
        pairs.y,
        pairs.predicted,
        pairs.names,
        subtitle=f"{short(label, 60)}: {subtitle}" if label else subtitle,
    )
