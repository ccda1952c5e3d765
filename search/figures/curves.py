"""The learning curves: what every trial reported epoch after epoch."""

import math
from collections.abc import Mapping

from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.scales import scale, whole_numbers
from studyhall.search.figures.search import Search
from studyhall.search.figures.style import BLUE, INK, ORANGE, VERMILION, drawing, head, new_figure
from studyhall.search.figures.wording import compact
from studyhall.studies.database.attributes import HISTORY


@drawing()
def curves_figure(search: Search) -> Figure:
    """Draw the intermediate values of every trial that has ended.

    Raises:
        NothingToDrawError: None of them reported a finite value.
    """
    best = search.best
    groups = (
        ([trial for trial in search.complete if trial is not best], BLUE, "complete", 1.0, "o"),
        (search.pruned, ORANGE, "pruned", 1.0, "^"),
        (search.failed, VERMILION, "failed", 1.0, "x"),
        (
            [best] if best is not None else [],
            INK,
            f"best: trial {best.number}, {compact(best.values[0])}" if best else "",
            2.2,
            "*",
        ),
    )
    figure = new_figure(8, 4.4)
    axes = figure.subplots()
    head(figure, "Learning curves of the trials", search.summary)
    every: list[float] = []
    for trials, colour, label, width, marker in groups:
        for trial in trials:
            steps, values = _curve(trial, search.metric)
            if not steps:
                continue
            every += values
            axes.plot(steps, values, color=colour, linewidth=width, alpha=0.9 if width > 2 else 0.55)
            axes.plot(
                steps[-1],
                values[-1],
                marker,
                color=colour,
                markersize=9 if marker == "*" else 4,
                label=label,
                linestyle="",
            )
            label = ""  # once for its group
    if not every:
        raise NothingToDrawError("no trial reported a value after an epoch")
    axes.set_xlabel("epoch")
    axes.set_ylabel(search.goal)
    whole_numbers(axes.xaxis)
    scale(axes.yaxis, every)
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def _curve(trial: FrozenTrial, metric: str) -> tuple[list[int], list[float]]:
    """Return the epochs of a trial that have a finite value, and the values.

    Optuna keeps no values of epochs where there are several objectives; the trial's history has them.
    """
    reported: Mapping[int, object] = trial.intermediate_values
    if not reported:
        history = trial.user_attrs.get(HISTORY)
        epochs = history.get(metric, ()) if isinstance(history, Mapping) else ()
        reported = dict(enumerate(epochs, start=1))
    pairs = [
        (step, float(value))
        for step, value in sorted(reported.items())
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    return [step for step, _ in pairs], [value for _, value in pairs]
