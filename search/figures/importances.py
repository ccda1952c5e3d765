"""The importances: which hyperparameters decided whether a trial was among the best."""

import warnings

import optuna
from matplotlib.figure import Figure
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.search import Search
from studyhall.search.figures.style import BLUE, drawing, head, new_figure
from studyhall.search.figures.wording import count, short

LEAST = 5  # complete trials: with fewer, any order is chance
STEADY = 20  # complete trials: from here on the top quarter holds enough of them
MOST = 20  # bars


def importances(study: optuna.Study, search: Search) -> dict[str, float]:
    """Return each parameter's share of the importance, the largest first; empty where nothing can be said.

    By PED-ANOVA (https://arxiv.org/abs/2304.10255), which needs no other package and takes conditional
    parameters: how differently the best trials and all trials are spread over a parameter's values.
    """
    if len(search.complete) < LEAST:
        return {}
    # The top tenth, as Optuna has it, but at least five trials, without which it advises against its own
    # figures.
    evaluator = PedAnovaImportanceEvaluator(target_quantile=min(0.5, max(0.1, 5 / len(search.complete))))
    sign = 1 if search.direction == "minimize" else -1
    # Of several objectives, the first one's; a target of ours is always taken to be minimized.
    target = (lambda trial: sign * trial.values[0]) if len(study.directions) > 1 else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "may be inaccurate": the picture says so itself
        shares = get_param_importances(study, evaluator=evaluator, target=target)
    # Where no parameter matters, Optuna gives all of them the same.
    return dict(shares) if len(set(shares.values())) > 1 else {}


@drawing()
def importances_figure(search: Search, shares: dict[str, float]) -> Figure:
    """Draw the shares of the importance as bars.

    Args:
        search: The trials that they are from.
        shares: What `importances` returned.

    Raises:
        NothingToDrawError: Too few trials are complete, there is one parameter, or all trials are equally
            good.
    """
    search.require_complete(LEAST)
    if len({name for trial in search.complete for name in trial.params}) < 2:
        raise NothingToDrawError("it compares hyperparameters, and the study has fewer than two")
    if not shares:
        raise NothingToDrawError("no hyperparameter made a difference")
    shown = sorted(shares.items(), key=lambda pair: pair[1], reverse=True)[:MOST]
    figure = new_figure(8, 1.35 + 0.3 * max(len(shown), 2))
    axes = figure.subplots()
    subtitle = f"{short(search.name, 40)}: being among the best of {count(len(search.complete), 'complete trial')} (PED-ANOVA)"
    if len(search.complete) < STEADY:
        subtitle += "; few trials, so a rough guide"
    head(figure, "Importance of hyperparameters", subtitle)
    places = range(len(shown))  # two names may look the same when they are short
    bars = axes.barh(places, [share for _, share in shown], color=BLUE, height=0.65)
    axes.set_yticks(places, [short(name, 44) for name, _ in shown])
    axes.bar_label(bars, [f"{share:.0%}" for _, share in shown], padding=4, fontsize=8.5)
    axes.invert_yaxis()
    axes.set_xlim(0, max(share for _, share in shown) * 1.1)
    axes.set_xlabel("share of the importance")
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    if len(shares) > len(shown):
        axes.set_xlabel(
            f"share of the importance ({len(shares) - len(shown)} less important ones are left out)"
        )
    return figure
