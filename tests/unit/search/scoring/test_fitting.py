"""Making people's own pictures fit: greyscale, upright, dark background, 28 pixels at most inside 32."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from studyhall.search.scoring.images import read_mixture

SIZES = [(1, 1), (2, 900), (900, 2), (27, 29), (28, 28), (32, 32), (33, 31), (640, 480), (1300, 1100)]


def fit(picture: Image.Image, path: Path, **options: Any) -> NDArray[np.float32]:
    picture.save(path, **options)
    read = read_mixture(path, fit=True)
    assert read.shape == (32, 32, 1)
    assert read.dtype.name == "float32"
    assert read.min() >= 0
    assert read.max() <= 1
    return read[..., 0]


def disc(mode: str, size: tuple[int, int], ground: object, ink: object) -> Image.Image:
    picture = Image.new(mode, size, ground)  # type: ignore[arg-type]
    width, height = size
    box = (width // 4, height // 4, width * 3 // 4, height * 3 // 4)
    ImageDraw.Draw(picture).ellipse(box, fill=ink)  # type: ignore[arg-type]
    return picture


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_of_any_size_and_mode_fits(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    deep = Image.fromarray(np.zeros(size[::-1], np.uint16))
    picture = deep if mode == "I;16" else Image.new(mode, size)
    fit(picture, tmp_path / "a.png")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_of_any_size_and_mode_fits(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    fit(Image.new(mode, size), tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("mode", "ground", "ink"),
    [("L", 250, 5), ("L", 5, 250), ("RGB", "white", "navy"), ("RGB", "black", "yellow"), ("P", 255, 0)],
)
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_disc_comes_out_light_on_dark(
    tmp_path: Path, mode: str, ground: object, ink: object, ending: str
) -> None:
    picture = disc(mode, (600, 600), ground, ink)
    if mode == "P":
        picture.putpalette([level for level in range(256) for _ in "rgb"])
        picture = picture if ending == "png" else picture.convert("RGB")
    read = fit(picture, tmp_path / f"a.{ending}")
    assert read[16, 16] > 0.75
    assert read[3, 3] < 0.1
    assert read[0, 0] == 0


@pytest.mark.parametrize("ink", [(0, 0, 0, 255), (255, 255, 255, 255)])
def test_content_on_a_transparent_ground_is_seen_whatever_its_colour(
    tmp_path: Path, ink: tuple[int, ...]
) -> None:
    read = fit(disc("RGBA", (300, 300), (128, 128, 128, 0), ink), tmp_path / "a.png")
    assert read[16, 16] > 0.95
    assert read[3, 3] < 0.05


def test_wholly_transparent_picture_is_black(tmp_path: Path) -> None:
    assert fit(Image.new("RGBA", (50, 50), (255, 0, 0, 0)), tmp_path / "a.png").max() == 0


def test_16_bit_picture_keeps_its_middle_grey(tmp_path: Path) -> None:
    deep = np.zeros((200, 200), np.uint16)
    deep[50:150, 50:150] = 30_000
    assert fit(Image.fromarray(deep), tmp_path / "a.png")[16, 16] == pytest.approx(30_000 / 65_535, abs=1e-3)


def test_proportions_are_kept_and_the_rest_is_black(tmp_path: Path) -> None:
    lines = Image.new("L", (400, 200))
    ImageDraw.Draw(lines).rectangle((10, 10, 389, 189), fill=255)
    read = fit(lines, tmp_path / "a.png")
    rows, columns = np.nonzero(read > 0.5)
    assert (columns.min(), columns.max()) == (3, 28)
    assert (rows.min(), rows.max()) == (10, 21)


@pytest.mark.parametrize("side", [28, 32])
def test_picture_of_an_accepted_size_is_not_resampled(tmp_path: Path, side: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (side, side), np.uint8)
    noise[[0, -1]] = noise[:, [0, -1]] = 0
    Image.fromarray(noise).save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_mixture(tmp_path / "a.png", fit=True), read_mixture(tmp_path / "a.png", fit=False)
    )


def test_picture_is_turned_upright_as_its_camera_says(tmp_path: Path) -> None:
    lying = Image.new("L", (400, 400))
    ImageDraw.Draw(lying).rectangle((20, 20, 120, 380), fill=255)  # a bar on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise: left becomes top
    read = fit(lying, tmp_path / "a.jpg", exif=exif)
    assert read[6, 16] > 0.9
    assert read[26, 16] < 0.1


def test_without_fit_an_array_is_what_it_is_and_with_it_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((28, 28), 255, np.uint8))
    assert read_mixture(tmp_path / "a.npy", fit=True)[16, 16, 0] == 1  # a light border does not invert it
