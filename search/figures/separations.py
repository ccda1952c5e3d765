"""The separations: mixtures with what is in them, what a model found, and where it errs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.style import INK, drawing, head, new_figure
from studyhall.search.figures.wording import compact, short

Array = NDArray[np.float32]

COLUMNS = ("mixture", "digit", "predicted", "error", "item", "predicted", "error")
WIDTHS = (1, 0.12, 1, 1, 1, 0.12, 1, 1, 1)  # of the columns, with the gaps between their groups
CELL = 1.12  # inches


@drawing()
def separations_figure(
    x: Array,
    y: Array,
    predicted: Array,
    names: Sequence[str] = (),
    *,
    title: str = "Separations of test mixtures",
    subtitle: str = "",
) -> Figure:
    """Draw a row of seven pictures for each mixture.

    Args:
        x: Mixtures, float32 (n, 32, 32, 1).
        y: Their sources, float32 (n, 32, 32, 2) in [0, 1]: the digit, then the item.
        predicted: The model's answer, like `y`.
        names: What to call each row, such as "best"; the row's mean squared error is written below it.
        title, subtitle: What is written above.

    Raises:
        NothingToDrawError: There is no mixture.
    """
    if len(x) == 0:
        raise NothingToDrawError("there are no mixtures to separate")
    errors = np.abs(predicted - y)
    worst = max(float(errors.max()), 1e-6)
    figure = new_figure(2.0 + CELL * sum(WIDTHS), 0.95 + 1.06 * CELL * len(x))
    head(figure, short(title, 70), short(subtitle, 140))
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.03, h_pad=0.02, wspace=0, hspace=0)  # type: ignore[call-arg]
    grid = figure.subplots(len(x), len(WIDTHS), width_ratios=WIDTHS, squeeze=False)
    used = [column for column, width in enumerate(WIDTHS) if width == 1]
    for column in set(range(len(WIDTHS))) - set(used):
        for axes in grid[:, column]:
            axes.set_axis_off()
    for row in range(len(x)):
        pictures = [x[row, ..., 0]]
        for source in range(2):
            pictures += [y[row, ..., source], predicted[row, ..., source], errors[row, ..., source]]
        for place, column in enumerate(used):
            wrong = COLUMNS[place] == "error"
            limit = worst if wrong else (max(1.0, float(x.max())) if place == 0 else 1.0)
            image = _picture(grid[row, column], pictures[place], limit, "inferno" if wrong else "gray")
            if row == 0:
                grid[row, column].set_title(COLUMNS[place], fontsize=9, pad=4)
        score = compact(float(np.mean((predicted[row] - y[row]) ** 2)))
        label = f"{names[row]}\n{score}" if len(names) > row else score
        grid[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=6, fontsize=9)
    bar = figure.colorbar(image, ax=grid[:, -1], location="right", shrink=min(1.0, 3.0 / len(x)), pad=0.05)
    bar.set_label("error: |predicted − true|", fontsize=8.5)
    bar.outline.set_visible(False)
    return figure


def _picture(axes: Axes, pixels: Array, limit: float, colours: str) -> AxesImage:
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set(color=INK, linewidth=0.5)
    return axes.imshow(pixels, cmap=colours, vmin=0, vmax=limit, interpolation="nearest")
