"""Separating people's own images into pictures: all of them or none, and nobody else's file is touched."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray
from PIL import Image

from studyhall.search.scoring.prediction import Mixture, predict, predict_files, read_mixtures
from studyhall.search.scoring.separator import separator_of
from studyhall.studies.errors import ArtifactError, ImageFileError, ModelFileError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers with the mixture for the digit, and a quarter of it for the item."""
    mixture = keras.Input((32, 32, 1))
    quarter = layers.Rescaling(0.25)(mixture)
    path = tmp_path_factory.mktemp("model") / "quarter.keras"
    keras.Model(mixture, layers.Concatenate()([mixture, quarter])).save(path)
    return path


class Half:
    """The least that a separator needs, where Keras would only cost time."""

    def predict_on_batch(self, x: NDArray[np.float32]) -> Any:
        return [x, x / 2]

    def count_params(self) -> int:
        return 0


def picture(path: Path, level: int = 200, side: int = 28) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), level).save(path)
    return path


def separate(inputs: list[Path], to: Path, **options: Any) -> Any:
    return predict(separator_of(Half(), Path("half.keras")), read_mixtures(inputs), to, **options)


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (32, 32))
        return np.asarray(image)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_both_sources_lie_beside_each_other(model: Path, tmp_path: Path) -> None:
    [written] = predict_files(model, [picture(tmp_path / "in" / "boot.png")], tmp_path / "new" / "out")
    assert names(tmp_path / "new" / "out") == ["boot.digit.png", "boot.item.png"]
    assert (written.digit.name, written.item.name, written.mixture) == (
        "boot.digit.png",
        "boot.item.png",
        None,
    )
    digit = pixels(written.digit)
    assert (digit[2:30, 2:30] == 200).all()
    assert digit.sum() == 200 * 28 * 28
    assert (pixels(written.item)[2:30, 2:30] == 50).all()


def test_two_images_are_mixed_as_the_examples_are(model: Path, tmp_path: Path) -> None:
    pair = (picture(tmp_path / "three.png", 100), picture(tmp_path / "shirt.jpg", 200))
    [mean] = predict_files(model, [], tmp_path / "mean", pair=pair)
    [total] = predict_files(model, [], tmp_path / "sum", pair=pair, mix="sum")
    assert mean.files == pair
    assert names(tmp_path / "mean") == [f"three+shirt.{kind}.png" for kind in ("digit", "item", "mixture")]
    assert mean.mixture is not None
    assert pixels(mean.mixture)[16, 16] == pytest.approx(150, abs=2)
    assert pixels(total.digit)[16, 16] == 255  # 300 of 255, clipped
    assert pixels(total.item)[16, 16] == pytest.approx(75, abs=2)


def test_folder_of_images_is_separated_with_progress(model: Path, tmp_path: Path) -> None:
    for number in range(5):
        picture(tmp_path / "in" / f"{number}.png", 50 * number)
    seen: list[tuple[str, int, int]] = []
    written = predict_files(
        model,
        [tmp_path / "in"],
        tmp_path / "out",
        batch_size=2,
        on_progress=lambda step, done, total: seen.append((step, done, total)),
    )
    assert [pixels(each.digit)[16, 16] for each in written] == [0, 50, 100, 150, 200]
    reading, writing = ([(step, done, 5) for done in range(1, 6)] for step in ("reading", "writing"))
    assert seen == [*reading, *(("separating", done, 5) for done in (2, 4, 5)), *writing]


def test_fit_takes_a_photograph(model: Path, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "white").save(tmp_path / "photo.jpg")
    with pytest.raises(ImageFileError, match="--fit"):
        predict_files(model, [tmp_path / "photo.jpg"], tmp_path / "out")
    [written] = predict_files(model, [tmp_path / "photo.jpg"], tmp_path / "out", fit=True)
    assert pixels(written.digit).max() <= 1


def test_one_bad_image_among_many_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    good = [picture(tmp_path / "in" / f"{number}.png") for number in range(3)]
    (tmp_path / "in" / "z.png").write_bytes(b"not an image")
    with pytest.raises(ImageFileError, match=r"z\.png"):
        predict_files(model, [*good, tmp_path / "in"], tmp_path / "out")
    with pytest.raises(ImageFileError, match="No image to separate"):
        predict_files(model, [], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_model_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    class Fragile(Half):
        def predict_on_batch(self, x: NDArray[np.float32]) -> Any:
            return [x, x / (0.5 - x.max())]  # infinite for grey

    separator = separator_of(Fragile(), Path("fragile.keras"))
    mixtures = [Mixture(str(level), np.full((32, 32, 1), level, np.float32), ()) for level in (0.1, 0.5)]
    with np.errstate(divide="ignore", invalid="ignore"), pytest.raises(ModelFileError, match="not finite"):
        predict(separator, mixtures, tmp_path / "out", batch_size=1)
    assert not (tmp_path / "out").exists()


def test_images_of_one_name_get_numbers_and_none_is_lost(tmp_path: Path) -> None:
    inputs = [tmp_path / name for name in ("a/x.png", "b/x.png", "b/X.jpg", "b/x-2.png")]
    for level, path in enumerate(inputs):
        picture(path, 60 * level)
    written = separate(inputs, tmp_path / "out")
    stems = [each.digit.name.removesuffix(".digit.png") for each in written]
    assert stems == ["x", "x-3", "X-4", "x-2"]
    assert [pixels(each.digit)[16, 16] for each in written] == pytest.approx([0, 60, 120, 180], abs=2)


def test_no_image_that_was_read_is_written_over(tmp_path: Path) -> None:
    inputs = [picture(tmp_path / "x.png", 10), picture(tmp_path / "x.digit.png", 90)]
    written = separate(inputs, tmp_path)
    assert [path.read_bytes() for path in inputs] == [
        picture(tmp_path / "n" / "1.png", 10).read_bytes(),
        picture(tmp_path / "n" / "2.png", 90).read_bytes(),
    ]
    assert written[0].digit.name == "x-2.digit.png"


def test_second_run_into_the_folder_of_the_images_replaces_the_first(tmp_path: Path) -> None:
    picture(tmp_path / "x.png")
    separate([tmp_path], tmp_path)
    picture(tmp_path / "x.png", 10)
    [written] = separate([tmp_path], tmp_path)
    assert names(tmp_path) == ["x.digit.png", "x.item.png", "x.png"]
    assert pixels(written.digit)[16, 16] == 10


@pytest.mark.parametrize(
    "stem",
    ["with space", "quote'\"", "two\nlines", "-rf", "ünï", "x" * 251, "ü" * 120, os.fsdecode(b"\xff\xfe")],
)
def test_hostile_names_are_kept_or_cut_short(tmp_path: Path, stem: str) -> None:
    path = tmp_path / "in" / f"{stem}.png"
    path.parent.mkdir()
    Image.new("L", (28, 28), 7).save(tmp_path / "plain.png")
    os.rename(tmp_path / "plain.png", path)
    [written] = separate([path], tmp_path / "out")
    assert stem.startswith(written.digit.name.removesuffix(".digit.png"))
    assert not written.digit.name.startswith(".")
    assert len(names(tmp_path / "out")) == 2
    assert pixels(written.item)[16, 16] in (3, 4)


def test_long_name_that_no_encoding_knows_becomes_image(tmp_path: Path) -> None:
    path = tmp_path / (os.fsdecode(b"\xff" * 251) + ".png")
    Image.new("L", (28, 28)).save(tmp_path / "plain.png")
    os.rename(tmp_path / "plain.png", path)
    [written] = separate([path], tmp_path / "out")
    assert written.digit.name == "image.digit.png"


def test_folder_that_cannot_be_one_is_refused_before_anything_else(model: Path, tmp_path: Path) -> None:
    image = picture(tmp_path / "x.png")
    for to in (image, image / "below"):
        with pytest.raises(ImageFileError, match=r"x\.png is not a folder; choose another with --to"):
            predict_files(model, [tmp_path / "missing.png"], to)


def test_full_disk_is_one_line_and_no_half_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Image.Image, file: Path, **options: Any) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    inputs = [picture(tmp_path / "x.png")]
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(ArtifactError, match="no space is left"):
        separate(inputs, tmp_path / "out")
    assert names(tmp_path / "out") == []
