"""The pictures of a search: studies of none, few and many trials, of any kind of hyperparameter."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from studyhall.search.figures import for_study
from studyhall.search.figures.curves import curves_figure
from studyhall.search.figures.importances import importances, importances_figure
from studyhall.search.figures.optimisation import optimisation_figure
from studyhall.search.figures.parallel import parallel_figure
from studyhall.search.figures.parallel_axes import Numbers, Words, scale_of
from studyhall.search.figures.rungs import rungs_figure
from studyhall.search.figures.search import Search

Direction = Literal["minimize", "maximize"]

LONG = "a/very/long/scope/" + "name_of_a_hyperparameter_" * 8 + "[head=independent|depthwise] (1.089 - value)"
SPACE: dict[str, BaseDistribution] = {
    "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
    "filters": CategoricalDistribution((64, 8, 16)),
    "norm": CategoricalDistribution((True, False, 1, "True")),
    "pools": IntDistribution(1, 4),
    "fixed": FloatDistribution(0.5, 0.5),
    LONG: FloatDistribution(0.0, 1.0, step=0.1),
    "cost $x_{1$": FloatDistribution(-1.0, 1.0),
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(level)


def study_of(
    states: Sequence[TrialState], names: Sequence[str] = tuple(SPACE), direction: Direction = "minimize"
) -> optuna.Study:
    """A study with a trial for each state; the learning rate alone decides its value."""
    study = optuna.create_study(study_name="<a> $tudy", direction=direction)
    sampler = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    for number, state in enumerate(states):
        used = {name: SPACE[name] for name in names if name != LONG or number % 2}
        drawn = sampler.ask(used)
        value = (
            1e-3 + (math.log10(drawn.params["learning_rate"]) + 3) ** 2 if "learning_rate" in names else 1.0
        )
        epochs = {TrialState.COMPLETE: 5, TrialState.PRUNED: 2, TrialState.FAIL: number % 2}.get(state, 0)
        reported = {epoch: value + 1 / epoch for epoch in range(1, epochs + 1)}
        ended = state == TrialState.COMPLETE
        study.add_trial(
            create_trial(
                state=state,
                value=value if ended else None,
                params=drawn.params,
                distributions=used,
                intermediate_values=reported,
            )
        )
    return study


COMPLETE, PRUNED, FAIL, WAITING = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.WAITING
MANY = [COMPLETE, PRUNED, COMPLETE, FAIL] * 8 + [WAITING]


def search_of(study: optuna.Study, direction: str = "minimize") -> Search:
    return Search.of(study, "val_loss", direction)


def legend(figure: Any) -> set[str]:
    return {text.get_text() for text in figure.legends[0].get_texts()}


@pytest.mark.parametrize(
    ("states", "names", "missing"),
    [
        ([], tuple(SPACE), ["optimisation", "importances", "parallel-coordinates", "learning-curves"]),
        ([WAITING], tuple(SPACE), ["optimisation", "importances", "parallel-coordinates", "learning-curves"]),
        ([FAIL, PRUNED], tuple(SPACE), ["importances", "parallel-coordinates"]),
        ([COMPLETE], tuple(SPACE), ["importances"]),
        ([COMPLETE] * 6, ("learning_rate",), ["importances"]),
        ([COMPLETE] * 6, ("fixed",), ["importances"]),
        ([COMPLETE] * 6, (), ["importances", "parallel-coordinates"]),
    ],
)
def test_what_there_is_too_little_for_is_left_out_with_a_reason(
    states: list[TrialState],
    names: tuple[str, ...],
    missing: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def note(figure: Any, to: Path, name: str, formats: Sequence[str]) -> list[Path]:
        return [to / name]

    monkeypatch.setattr(for_study, "save_as", note)
    skipped: list[str] = []
    for_study.draw_search_figures(
        study_of(states, names), "val_loss", "minimize", tmp_path, on_skip=skipped.append
    )
    assert [line.partition(" is left out: ")[0] for line in skipped] == missing
    assert all("\n" not in line and len(line) < 120 for line in skipped)


def test_optimisation_tells_complete_pruned_and_failed_trials_apart() -> None:
    figure = optimisation_figure(search_of(study_of(MANY)))
    assert {"complete", "pruned (best value)", "failed", "best so far"} < legend(figure)
    assert figure.axes[0].get_ylabel() == "val_loss (lower is better)"
    assert any(
        "33 trials, 16 complete, 8 pruned, 8 failed, 1 running or waiting" in text.get_text()
        for text in figure.texts
    )


def test_rungs_show_how_far_each_trial_came_and_where_it_went_on() -> None:
    study = study_of(MANY)
    figure = rungs_figure(study, search_of(study), (1, 3))
    axes: Any = figure.axes[0]
    lines = [line for each in axes.collections for line in each.get_segments()]
    reported = [each.last_step for each in study.trials if each.last_step]
    assert sorted(line[1][1] for line in lines) == sorted(reported)
    dots = [y for line in axes.lines if line.get_marker() == "." for y in line.get_ydata()]
    assert sorted(dots) == [1] * 24 + [3] * 16  # complete ones have five epochs, pruned ones two
    assert legend(figure) == {"complete", "pruned", "failed"}


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_best_so_far_never_gets_worse(direction: Direction) -> None:
    search = search_of(study_of(MANY, direction=direction), direction)
    [line] = [line for line in optimisation_figure(search).axes[0].lines if line.get_label() == "best so far"]
    values = np.asarray(line.get_ydata()).tolist()
    assert values == sorted(values, reverse=direction == "minimize")
    assert search.best is not None
    assert values[-1] == search.best.values[0]


def test_infinite_result_counts_as_failed() -> None:
    study = study_of([COMPLETE])
    study.add_trial(create_trial(value=math.inf))
    search = search_of(study)
    assert (len(search.complete), len(search.failed)) == (1, 1)


def test_parameter_that_decides_is_the_most_important() -> None:
    study = study_of([COMPLETE] * 40)
    shares = importances(study, search_of(study))
    assert max(shares, key=lambda name: shares[name]) == "learning_rate"
    assert sum(shares.values()) == pytest.approx(1)
    labels = [
        text.get_text() for text in importances_figure(search_of(study), shares).axes[0].get_yticklabels()
    ]
    assert labels[0] == "learning_rate"
    assert all(len(label) <= 44 for label in labels)


def test_importances_need_no_package_that_users_may_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    study = study_of([COMPLETE] * 12)
    assert importances(study, search_of(study))


def test_parallel_coordinates_have_an_axis_for_each_hyperparameter_and_the_objective() -> None:
    search = search_of(study_of([COMPLETE] * 6))
    figure = parallel_figure(search, {})
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"learning_rate", "filters", "norm", "pools", "not used", "cost $x_{1$"} < words
    ends = [line for line in figure.axes[0].lines if len(np.asarray(line.get_xdata())) == len(SPACE) + 1]
    assert len(ends) == len(search.complete)


def test_only_the_most_important_hyperparameters_get_an_axis_where_there_are_many() -> None:
    names = [f"p{number}" for number in range(30)]
    study = optuna.create_study()
    space: dict[str, BaseDistribution] = {name: FloatDistribution(0, 1) for name in names}
    for value in (1.0, 2.0):
        study.add_trial(create_trial(value=value, params=dict.fromkeys(names, 0.5), distributions=space))
    figure = parallel_figure(search_of(study), {"p29": 0.9, "p7": 0.1})
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"p29", "p7"} < words
    assert "p28" not in words
    assert any("19 less important hyperparameters left out" in text.get_text() for text in figure.texts)


def test_what_is_written_above_a_picture_stays_on_it() -> None:
    study = optuna.create_study(study_name="a study with a long name " * 4)
    study.add_trials(study_of([COMPLETE, PRUNED, FAIL, WAITING]).trials)
    for figure in (parallel_figure(search_of(study), {}), optimisation_figure(search_of(study))):
        figure.draw_without_rendering()
        assert all(text.get_window_extent().x1 <= figure.bbox.width for text in figure.texts)


def test_log_axis_places_numbers_by_their_ratios() -> None:
    axis = scale_of("learning_rate", study_of([COMPLETE]).trials)
    assert isinstance(axis, Numbers)
    assert axis.place(1e-3) == pytest.approx(0.5)
    assert [label for _, label in axis.ticks] == ["1e-4", "3e-4", "0.001", "0.003", "0.01"]


def test_whole_numbers_have_whole_ticks() -> None:
    axis = scale_of("pools", study_of([COMPLETE]).trials)
    assert [label for _, label in axis.ticks] == ["1", "2", "3", "4"]


def test_categories_that_are_numbers_are_sorted_and_others_keep_their_order() -> None:
    trials = study_of([COMPLETE]).trials
    assert scale_of("filters", trials) == Words((8, 16, 64))
    norm = scale_of("norm", trials)
    assert norm == Words((True, False, 1, "True"))
    assert norm.place(True) != norm.place(1)


def test_learning_curves_mark_the_best_trial() -> None:
    search = search_of(study_of(MANY))
    assert search.best is not None
    figure = curves_figure(search)
    assert any(label.startswith(f"best: trial {search.best.number}, ") for label in legend(figure))
    assert {"complete", "pruned", "failed"} < legend(figure)


def test_learning_curves_of_several_objectives_are_those_of_the_trials_histories() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    history = {"val_loss": [3.0, None, 1.0], "val_accuracy": [0.1, 0.2, 0.3]}
    study.add_trial(create_trial(values=[1.0, 0.3], user_attrs={"history": history}))
    best = curves_figure(search_of(study)).axes[0].lines[0]
    assert np.asarray(best.get_xydata()).tolist() == [[1, 3.0], [3, 1.0]]
