"""The ways in which a model may return both sources, and the refusal of all others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studyhall.search.scoring.separator import Layout, separator_of
from studyhall.studies.errors import ModelFileError

DIGIT, ITEM = np.float32(0.25), np.float32(0.75)


class Constant:
    """A model that answers every batch with maps of DIGIT and ITEM, arranged by a function."""

    input_shape: Any = (None, 32, 32, 1)

    def __init__(self, arrange: Any) -> None:
        self._arrange = arrange

    def predict_on_batch(self, x: Any) -> Any:
        return self._arrange(np.full(x.shape, DIGIT), np.full(x.shape, ITEM))

    def count_params(self) -> int:
        return 0


ARRANGEMENTS = {
    "channels": (Layout.CHANNELS, lambda d, i: np.concatenate([d, i], axis=-1)),
    "half precision": (Layout.CHANNELS, lambda d, i: np.concatenate([d, i], axis=-1).astype(np.float16)),
    "a list of one": (Layout.CHANNELS, lambda d, i: [np.concatenate([d, i], axis=-1)]),
    "two maps": (Layout.PAIR, lambda d, i: [d, i]),
    "two maps without channel": (Layout.PAIR, lambda d, i: (d[..., 0], i[..., 0])),
    "a dictionary in any order": (Layout.PAIR, lambda d, i: {"item": i, "digit": d}),
    "side by side": (Layout.SIDE_BY_SIDE, lambda d, i: np.concatenate([d, i], axis=2)),
    "side by side without channel": (
        Layout.SIDE_BY_SIDE,
        lambda d, i: np.concatenate([d, i], axis=2)[..., 0],
    ),
}


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_known_layout_is_found_and_gives_the_digit_first(name: str) -> None:
    layout, arrange = ARRANGEMENTS[name]
    separator = separator_of(Constant(arrange), Path("m.keras"))
    assert separator.layout is layout
    separated = separator.separate(np.zeros((5, 32, 32, 1), np.float32), batch_size=2)
    assert separated.shape == (5, 32, 32, 2)
    assert separated.dtype.name == "float32"
    assert (separated[..., 0] == DIGIT).all()
    assert (separated[..., 1] == ITEM).all()


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (lambda d, i: d, "32x32x1"),
        (lambda d, i: np.concatenate([d, i, i], axis=-1), "32x32x3"),
        (lambda d, i: np.concatenate([d, i], axis=1), "64x32x1"),
        (lambda d, i: [d, i, i], "32x32x1 and 32x32x1 and 32x32x1"),
        (lambda d, i: [d, i[:, :28, :28]], "28x28x1"),
        (lambda d, i: {"a": d, "b": i}, "named a, b"),
        (lambda d, i: d[:, 0, 0, 0], "a number"),
        (lambda d, i: [], "nothing"),
    ],
)
def test_other_layouts_are_refused_with_what_was_found(arrange: Any, said: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        separator_of(Constant(arrange), Path("m.keras"))
    assert said in str(caught.value)
    assert "32x32x2" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "shape",
    [
        (None, 28, 28, 1),
        (None, 32, 32, 3),
        (None, 1024),
        [(None, 32, 32, 1)] * 2,
        {"a": (None,), "b": (None,)},
    ],
)
def test_model_that_takes_something_else_is_refused_with_what_it_takes(shape: Any) -> None:
    model = Constant(ARRANGEMENTS["two maps"][1])
    model.input_shape = shape
    with pytest.raises(ModelFileError) as caught:
        separator_of(model, Path("m.keras"))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("shape", [(None, None, None, 1), (1, 32, 32), [(None, 32, 32, 1)], None])
def test_model_that_takes_more_than_mixtures_is_welcome(shape: Any) -> None:
    model = Constant(ARRANGEMENTS["two maps"][1])
    model.input_shape = shape
    assert separator_of(model, Path("m.keras")).layout is Layout.PAIR


def test_model_that_fails_is_refused_in_one_line() -> None:
    class Failing(Constant):
        def predict_on_batch(self, x: Any) -> Any:
            raise ValueError("no such kernel\nand here is a long explanation")

    with pytest.raises(ModelFileError, match="no such kernel") as caught:
        separator_of(Failing(None), Path("m.keras"))
    assert "\n" not in str(caught.value)
