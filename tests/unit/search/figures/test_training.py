"""The training history and the separations, as figures and as files."""

import math
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from studyhall.data.sources import load_source
from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.history import history_figure
from studyhall.search.figures.pairs import choose, pairs_figure, separate_test_pairs
from studyhall.search.figures.separations import separations_figure
from studyhall.search.figures.style import save
from studyhall.search.scoring.separator import separator_of
from studyhall.studies.errors import ArtifactError

HISTORY = {
    "loss": [0.05, 0.02, 0.01],
    "val_loss": [0.06, 0.02, 0.03],
    "learning_rate": [1e-3, 1e-3, 1e-4],
}


class Echo:
    """A model that answers with the mixture twice."""

    def predict_on_batch(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([x, x], axis=-1)

    def count_params(self) -> int:
        return 0


def legend(figure: Figure) -> list[str]:
    boxes = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [text.get_text() for box in boxes if box is not None for text in box.get_texts()]


def test_history_shows_both_errors_on_a_log_scale_and_the_rate_below() -> None:
    above, below = history_figure(HISTORY).axes
    assert (above.get_yscale(), below.get_yscale()) == ("log", "log")
    assert [np.asarray(line.get_ydata()).tolist() for line in above.lines[:2]] == [
        HISTORY["loss"],
        HISTORY["val_loss"],
    ]
    assert (above.get_ylabel(), below.get_ylabel(), below.get_xlabel()) == ("loss", "learning rate", "epoch")


def test_best_epoch_is_the_first_with_the_best_value_of_the_metric() -> None:
    assert "best: epoch 2, 0.02" in legend(history_figure({"val_loss": [0.06, 0.02, 0.02, math.nan]}))
    accuracy = {"val_accuracy": [0.5, 0.9, 0.7], "accuracy": [0.4, 0.6, 0.8]}
    assert "best: epoch 2, 0.9" in legend(history_figure(accuracy, "val_accuracy", direction="maximize"))
    assert "best: epoch 3, 0.03" in legend(history_figure(HISTORY, best_epoch=3))


def test_history_of_zeros_and_below_is_drawn_on_a_linear_scale(tmp_path: Path) -> None:
    figure = history_figure({"val_loss": [0.0, -1.0]})
    assert figure.axes[0].get_yscale() == "linear"


def test_history_without_the_metric_is_nothing_to_draw() -> None:
    for history in ({}, {"loss": [0.1]}, {"val_loss": [math.nan]}):
        with pytest.raises(NothingToDrawError, match="no epoch of 'val_loss'"):
            history_figure(history)


def test_best_median_and_worst_are_chosen_by_error() -> None:
    errors = np.array([5, 1, 4, 0, 3, 2, 6], np.float32)
    shown, names = choose(errors)
    assert [float(errors[place]) for place in shown] == [0, 1, 3, 4, 5, 6]
    assert (names[0], names[2], names[-1]) == ("best", "median", "worst")
    assert [choose(errors[:count])[1] for count in (1, 2, 3)] == [
        ("",),
        ("best", "worst"),
        ("best", "median", "worst"),
    ]


def test_separations_show_seven_pictures_in_each_row() -> None:
    images = load_source("synthetic").test
    pairs = separate_test_pairs(separator_of(Echo(), Path("echo.keras")), images, "mean", pairs=40)
    assert len(pairs.errors) == 40
    assert pairs.errors.min() == pytest.approx(float(np.mean((pairs.predicted[0] - pairs.y[0]) ** 2)))
    figure = pairs_figure(pairs, "synthetic", "mean", "study: trial 3")
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 6 * 7
    assert [axes.get_title() for axes in pictures[:7]] == [
        "mixture",
        "digit",
        "predicted",
        "error",
        "item",
        "predicted",
        "error",
    ]
    assert pictures[0].get_ylabel().startswith("best\n")
    np.testing.assert_array_equal(pictures[0].images[0].get_array(), pairs.x[0, ..., 0])
    assert any(
        "study: trial 3: 40 test mixtures (mean) of synthetic" in text.get_text() for text in figure.texts
    )


def test_same_seed_shows_the_same_pairs() -> None:
    images = load_source("synthetic").test
    separator = separator_of(Echo(), Path("echo.keras"))
    first, second = (separate_test_pairs(separator, images, "sum", 8) for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)


def test_no_mixtures_are_nothing_to_draw() -> None:
    none = np.zeros((0, 32, 32, 2), np.float32)
    with pytest.raises(NothingToDrawError):
        separations_figure(none[..., :1], none, none)


def test_drawing_leaves_matplotlibs_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 17.0)
    before = dict(matplotlib.rcParams)
    history_figure(HISTORY)
    assert dict(matplotlib.rcParams) == before


def test_folder_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match=r"Cannot write the picture '.*a\.png'") as refused:
        save(history_figure(HISTORY), tmp_path / "file" / "a.png")
    assert "\n" not in str(refused.value)


def test_a_history_with_gaps_and_with_several_numbers_an_epoch_is_drawn() -> None:
    history: dict[str, list[Any]] = {
        "val_loss": [3.0, None, 1.0],
        "loss": [[1.0, 2.0]] * 3,
        "learning_rate": [0.1] * 3,
    }
    above = history_figure(history).axes[0]
    (line,) = [line for line in above.lines if line.get_label() == "validation"]
    np.testing.assert_array_equal(np.asarray(line.get_ydata(), float), [3.0, np.nan, 1.0])
    assert not [line for line in above.lines if line.get_label() == "training"]
    with pytest.raises(NothingToDrawError):
        history_figure({"val_f": [[0.1, 0.2]]}, "val_f")
