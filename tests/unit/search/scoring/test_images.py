"""Reading people's images: what is accepted as it is, and the one line that everything else gets."""

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studyhall.search.scoring.images import find_images, mix_images, read_mixture
from studyhall.studies.errors import ImageFileError

# Every grey level, each pixel tells its place.
RAMP = np.arange(28 * 28, dtype=np.uint32).reshape(28, 28) % 256


def grey_file(path: Path, side: int = 28) -> Path:
    Image.fromarray(np.resize(RAMP, (side, side)).astype(np.uint8)).save(path)
    return path


def npy_file(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(ImageFileError) as caught:
        read_mixture(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    return message


def test_28x28_png_is_padded_with_two_black_pixels(tmp_path: Path) -> None:
    read = read_mixture(grey_file(tmp_path / "a.png"))
    assert read.shape == (32, 32, 1)
    assert read.dtype.name == "float32"
    np.testing.assert_array_equal(read[2:30, 2:30, 0], (RAMP / 255).astype(np.float32))
    assert read.sum() == read[2:30, 2:30].sum()


def test_32x32_png_is_read_as_it_is(tmp_path: Path) -> None:
    read = read_mixture(grey_file(tmp_path / "a.png", side=32))
    np.testing.assert_array_equal(np.rint(read[..., 0] * 255), np.resize(RAMP, (32, 32)))


def test_grey_jpeg_is_read(tmp_path: Path) -> None:
    Image.new("L", (32, 32), 51).save(tmp_path / "a.jpg")
    np.testing.assert_allclose(read_mixture(tmp_path / "a.jpg"), 0.2, atol=0.01)


def test_content_counts_and_not_the_ending(tmp_path: Path) -> None:
    grey_file(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    npy_file(tmp_path / "b.npy", np.zeros((28, 28))).rename(tmp_path / "b.png")
    assert read_mixture(tmp_path / "a.jpg").max() == 1
    assert read_mixture(tmp_path / "b.png").max() == 0


def test_16_bit_and_1_bit_grey_reach_from_black_to_white(tmp_path: Path) -> None:
    Image.fromarray((RAMP * 257).astype(np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray((RAMP > 99).astype(np.uint8) * 255).convert("1").save(tmp_path / "flat.png")
    np.testing.assert_allclose(read_mixture(tmp_path / "deep.png")[2:30, 2:30, 0], RAMP / 255, atol=1e-6)
    np.testing.assert_array_equal(read_mixture(tmp_path / "flat.png")[2:30, 2:30, 0], RAMP > 99)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (32, 32), (32, 32, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", ">f4"])
def test_array_of_either_size_and_kind_is_read(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    top = 255 if dtype == "uint8" else 1
    read = read_mixture(npy_file(tmp_path / "a.npy", np.full(shape, top, dtype)))
    assert read.shape == (32, 32, 1)
    assert read.dtype.name == "float32"
    assert read.sum() == shape[0] ** 2


def test_column_ordered_array_keeps_its_orientation(tmp_path: Path) -> None:
    array = np.zeros((28, 28), np.uint8, order="F")
    array[0, 27] = 255
    assert read_mixture(npy_file(tmp_path / "a.npy", array))[2, 29, 0] == 1


def test_array_of_floats_reaches_to_two_for_a_sum_alone(tmp_path: Path) -> None:
    path = npy_file(tmp_path / "a.npy", np.full((28, 28), 1.5))
    assert read_mixture(path, mix="sum").max() == 1.5
    assert "values from 1.5 to 1.5" in refusal(path)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((28, 28, 3), np.uint8), "28x28x3"),
        (np.zeros((10, 28, 28), np.uint8), "10x28x28"),
        (np.zeros((28, 32), np.uint8), "28x32"),
        (np.zeros((0,), np.uint8), "array"),
        (np.float32(0.5), "a single number"),
        (np.zeros((28, 28), np.int64), "int64"),
        (np.zeros((28, 28), bool), "bool"),
        (np.zeros((28, 28), np.complex64), "complex64"),
        (np.full((28, 28), "x"), "<U1"),
        (np.zeros((28, 28), [("a", "f4")]), "f4"),
        (np.full((28, 28), np.nan), "not finite"),
        (np.full((28, 28), np.inf), "not finite"),
        (np.full((28, 28), 255.0), "from 255 to 255"),
        (np.full((28, 28), -0.5), "from -0.5 to -0.5"),
    ],
)
def test_other_arrays_are_refused_with_what_is_accepted(tmp_path: Path, array: np.ndarray, said: str) -> None:
    message = refusal(npy_file(tmp_path / "a.npy", array))
    assert said in message
    assert "uint8 (0 to 255) or floats (0 to 1), of 28x28 or 32x32" in message


def test_pickled_array_is_never_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    np.save(tmp_path / "a.npy", np.array([Bomb()] * 784, object).reshape(28, 28), allow_pickle=True)
    refusal(tmp_path / "a.npy")
    assert not (tmp_path / "exploded").exists()


def test_array_that_announces_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
    )
    (tmp_path / "a.npy").write_bytes(header.getvalue())
    refusal(tmp_path / "a.npy")


def test_array_s_size_is_looked_at_before_it_is_read(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (2**17, 2**20)}
    )
    (tmp_path / "a.npy").write_bytes(header.getvalue())
    # A terabyte of hole, no bytes on the disk.
    os.truncate(tmp_path / "a.npy", len(header.getvalue()) + 2**40)
    assert "131072x1048576" in refusal(tmp_path / "a.npy")


@pytest.mark.parametrize("size", [(1, 1), (28, 32), (64, 64), (300, 200)])
def test_picture_of_another_size_is_refused_and_told_of_fit(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("L", size).save(tmp_path / "a.png")
    message = refusal(tmp_path / "a.png")
    assert f"{size[0]}x{size[1]}" in message
    assert "28x28 or 32x32" in message
    assert "--fit" in message


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_picture_in_colour_or_transparent_is_refused_and_told_of_fit(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (28, 28)).save(tmp_path / "a.png")
    message = refusal(tmp_path / "a.png")
    assert "colour" in message
    assert "--fit" in message


def test_grey_picture_with_a_transparent_level_is_refused(tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "a.png", transparency=0)
    assert "transparent" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0" + b"\0" * 64,
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x09",
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, fit: bool) -> None:
    (tmp_path / "a.png").write_bytes(content)
    refusal(tmp_path / "a.png", fit=fit)


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_truncated_picture_is_refused(tmp_path: Path, ending: str, fit: bool) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole.{ending}")
    whole = (tmp_path / f"whole.{ending}").read_bytes()
    (tmp_path / f"cut.{ending}").write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as an image" in refusal(tmp_path / f"cut.{ending}", fit=fit)


def test_format_that_is_neither_png_nor_jpeg_is_refused(tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    refusal(tmp_path / "a.png", fit=True)


@pytest.mark.parametrize("side", [40, 60])  # Pillow warns of the one and refuses the other
def test_decompression_bomb_is_refused_without_a_warning(
    tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (side, side)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "too large" in refusal(tmp_path / "a.png", fit=True)


def test_folder_missing_file_and_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "is a folder" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "nothing.png")
    assert "No such file" in refusal(tmp_path / ("x" * 300))
    assert "regular file" in refusal(tmp_path / "pipe.png")


@pytest.mark.parametrize(
    "name", ["two\nlines.png", "\x1b[31mred.png", "quote'\".png", os.fsdecode(b"\xff.png")]
)
def test_hostile_names_stay_on_one_printable_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not an image")
    assert refusal(tmp_path / name).encode()


def test_mean_and_sum_mix_as_the_examples_do() -> None:
    a, b = np.full((32, 32, 1), 1, np.float32), np.full((32, 32, 1), 0.5, np.float32)
    assert mix_images(a, b, "mean").max() == 0.75
    assert mix_images(a, b, "sum").max() == 1.5
    assert mix_images(a, b, "mean").dtype == np.float32


def test_folder_stands_for_its_images_in_order(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "c.npy", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in find_images([tmp_path])] == ["a.jpeg", "b.PNG", "c.npy"]


def test_image_named_twice_is_found_once_and_order_is_kept(tmp_path: Path) -> None:
    z, a = grey_file(tmp_path / "z.png"), grey_file(tmp_path / "a.png")
    assert find_images([z, tmp_path, a]) == [z, a]


def test_sources_of_an_earlier_prediction_are_left_out_of_a_folder(tmp_path: Path) -> None:
    for name in ("a.png", "a.digit.png", "a.item.png", "lonely.digit.png"):
        (tmp_path / name).touch()
    assert [path.name for path in find_images([tmp_path])] == ["a.png", "lonely.digit.png"]


def test_folder_without_images_and_missing_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="holds no images"):
        find_images([tmp_path])
    with pytest.raises(ImageFileError, match="No such file or folder"):
        find_images([tmp_path / "gone"])
