"""The picture of a trial's predictions: images beside images, and nothing where there are none."""

import io

import numpy as np
import pytest
from PIL import Image

from studyhall.search.figures.errors import NothingToDrawError
from studyhall.search.figures.predictions import predictions_png


def images(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).random(shape, np.float32)


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_each_channel_of_the_target_is_beside_its_prediction() -> None:
    x, y = images(6, 32, 32, 1), images(6, 32, 32, 2)
    png = predictions_png(x, y, y, ("digit", "item"))
    picture = opened(png)
    assert picture.size == (5 * 102 + 58, 20 + 6 * 102)
    left = np.asarray(picture)[20 : 20 + 96, :96, 0]
    np.testing.assert_array_equal(left[::3, ::3], (x[0, ..., 0] * 255).round())
    target, predicted = (np.asarray(picture)[20:, 102 * n : 102 * n + 96] for n in (1, 2))
    np.testing.assert_array_equal(target, predicted)


def test_colours_are_one_picture_and_pictures_need_no_channel() -> None:
    assert (
        opened(predictions_png(images(2, 32, 32), images(2, 16, 16, 3), images(2, 16, 16, 3))).width
        == 3 * 102 + 58
    )
    assert opened(predictions_png(images(2, 10), images(2, 48, 48), images(2, 48, 48))).width == 2 * 102 + 58


def test_values_beyond_one_are_shown_between_the_least_and_the_greatest() -> None:
    y = images(1, 32, 32, 1) * 10 - 5
    pixels = np.asarray(opened(predictions_png(images(1, 4), y, y)))[20:116, :96, 0]
    assert (pixels.min(), pixels.max()) == (0, 255)


@pytest.mark.parametrize(
    ("y", "predicted"),
    [
        (images(4, 10), images(4, 10)),  # classes
        (images(4, 32, 32, 2), images(4, 32, 64, 1)),
        (images(4, 32, 32, 64), images(4, 32, 32, 64)),  # features
        (images(4, 32, 32, 1), images(4, 32, 32, 1) * np.nan),
        (images(0, 32, 32, 1), images(0, 32, 32, 1)),
    ],
)
def test_what_is_no_image_like_the_target_is_not_drawn(y: np.ndarray, predicted: np.ndarray) -> None:
    with pytest.raises(NothingToDrawError):
        predictions_png(images(len(y), 32, 32, 1), y, predicted)
