"""The rungs of a search whose trials pause: how far each trial was trained, and how it stands."""

from collections.abc import Sequence

import optuna
from matplotlib.figure import Figure
from optuna.trial import TrialState

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.scales import whole_numbers
from studyhall.search.figures.search import Search
from studyhall.search.figures.style import BLUE, INK, MUTED, ORANGE, SKY, VERMILION, drawing, head, new_figure

_STANDS = {
    TrialState.COMPLETE: ("complete", BLUE, "o"),
    TrialState.PRUNED: ("pruned", ORANGE, "^"),
    TrialState.FAIL: ("failed", VERMILION, "x"),
    TrialState.RUNNING: ("running", SKY, "D"),
    TrialState.WAITING: ("waiting or paused", MUTED, "s"),
}


@drawing()
def rungs_figure(study: optuna.Study, search: Search, rungs: Sequence[int]) -> Figure:
    """Draw the epochs of each trial as a line, with a dot at each rung that it went on from.

    Args:
        study: The study as Optuna sees it.
        search: Its trials that have ended.
        rungs: The epochs after which trials pause.

    Raises:
        NothingToDrawError: No trial has reported an epoch.
    """
    trained = [(each, each.last_step) for each in study.get_trials(deepcopy=False) if each.last_step]
    if not trained:
        raise NothingToDrawError("no trial reported a value after an epoch")
    figure = new_figure(8, 4.4)
    axes = figure.subplots()
    head(figure, "How far the trials were trained", search.summary)
    for rung in rungs:
        axes.axhline(rung, color=MUTED, linewidth=0.8, linestyle=":")
    for state, (label, colour, marker) in _STANDS.items():
        group = [(each.number, last) for each, last in trained if each.state is state]
        if not group:
            continue
        numbers, ends = zip(*group, strict=True)
        axes.vlines(numbers, 0, ends, color=colour, linewidth=1.2, alpha=0.6)
        passed = [(number, rung) for number, last in group for rung in rungs if rung < last]
        axes.plot([each[0] for each in passed], [each[1] for each in passed], ".", color=INK, markersize=4)
        axes.plot(numbers, ends, marker, color=colour, markersize=5, label=label, linestyle="")
    axes.set_xlabel("trial")
    axes.set_ylabel("epochs; dotted: the rungs")
    axes.set_ylim(bottom=0)
    whole_numbers(axes.xaxis)
    whole_numbers(axes.yaxis)
    figure.legend(loc="outside lower center", ncols=len(_STANDS))
    return figure
