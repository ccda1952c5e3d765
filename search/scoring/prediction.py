"""The prediction: both sources of people's own images, written as pictures beside each other."""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studyhall.data.mixtures import Mix
from studyhall.search.scoring.images import find_images, mix_images, read_mixture
from studyhall.search.scoring.model_files import find_model, load_separator
from studyhall.search.scoring.separator import BATCH_SIZE, Separator
from studyhall.studies.errors import ArtifactError, ImageFileError
from studyhall.studies.files import explain, write_atomically
from studyhall.studies.one_line import shown

Array = NDArray[np.float32]

Step = Literal["reading", "separating", "writing"]
Progress = Callable[[Step, int, int], None]  # the step, images done in it, images in all

_NAME_BYTES = 200  # of the 255 that file systems allow, so that an ending fits


@dataclass(frozen=True, eq=False)
class Mixture:
    """One image to separate, float32 (32, 32, 1), with its files' name and the files it was read from."""

    name: str
    image: Array
    files: tuple[Path, ...]
    made: bool = False  # mixed by us, so that nobody has a picture of it yet


@dataclass(frozen=True)
class Separation:
    """The pictures written for one mixture; `mixture` only where it was mixed from two images."""

    files: tuple[Path, ...]
    digit: Path
    item: Path
    mixture: Path | None = None


def predict_files(
    model: Path,
    inputs: Sequence[Path],
    to: Path,
    *,
    pair: tuple[Path, Path] | None = None,
    fit: bool = False,
    mix: Mix | None = None,
    batch_size: int = BATCH_SIZE,
    on_progress: Progress | None = None,
    allow_code: bool = False,
) -> list[Separation]:
    """Separate images with the bundle or model file at `model`, and write the sources into the folder `to`.

    `inputs` are mixtures (or folders of them), `pair` two sources to be mixed first, as `mix` says: by
    default as the model was trained. `allow_code` says that code which the model holds or needs may run.
    Everything is read and separated before anything is written, and images are refused before Keras is
    imported.

    Raises:
        ImageFileError: There is no image, one cannot be used, or `to` is not a folder.
        ModelFileError: There is no such model, or it fails.
        BundleError: The bundle is not as it was published.
        ArtifactError: A picture cannot be written.
    """
    found = find_model(model)
    check_folder(to)
    mixtures = read_mixtures(inputs, fit=fit, mix=mix or found.mix, on_progress=on_progress)
    if pair is not None:
        mixtures.append(read_pair(*pair, fit=fit, mix=mix or found.mix))
    if not mixtures:
        raise ImageFileError("No image to separate: name one, or a folder of them, or two with --mix A B.")
    return predict(
        load_separator(model, allow_code=allow_code),
        mixtures,
        to,
        batch_size=batch_size,
        on_progress=on_progress,
    )


def read_mixtures(
    inputs: Sequence[Path], *, fit: bool = False, mix: Mix = "mean", on_progress: Progress | None = None
) -> list[Mixture]:
    """Read every image among `inputs`, in folders too.

    Raises:
        ImageFileError: An image cannot be used; the first one is named.
    """
    files = find_images(inputs)
    mixtures = []
    for done, file in enumerate(files, 1):
        mixtures.append(Mixture(_short(file.stem), read_mixture(file, fit=fit, mix=mix), (file,)))
        if on_progress is not None:
            on_progress("reading", done, len(files))
    return mixtures


def read_pair(digit: Path, item: Path, *, fit: bool = False, mix: Mix = "mean") -> Mixture:
    """Read two images and mix them.

    Raises:
        ImageFileError: One of them cannot be used.
    """
    image = mix_images(read_mixture(digit, fit=fit), read_mixture(item, fit=fit), mix)
    return Mixture(_short(f"{digit.stem}+{item.stem}"), image, (digit, item), made=True)


def predict(
    separator: Separator,
    mixtures: Sequence[Mixture],
    to: Path,
    *,
    batch_size: int = BATCH_SIZE,
    on_progress: Progress | None = None,
) -> list[Separation]:
    """Write NAME.digit.png and NAME.item.png, greyscale 32x32, into the folder `to` for every mixture.

    A mixture of two images is written too, as NAME.mixture.png (darker where it is a sum that goes beyond 1).
    Two images of one name get NAME and NAME-2, and no image that was read is written over; what an earlier
    prediction wrote under the same name is replaced.

    Raises:
        ModelFileError: The model fails.
        ImageFileError: `to` is not a folder.
        ArtifactError: A picture cannot be written.
    """
    check_folder(to)
    if not mixtures:
        return []
    x = np.stack([mixture.image for mixture in mixtures])
    y = np.empty((len(x), 32, 32, 2), np.float32)
    for start in range(0, len(x), batch_size):
        y[start : start + batch_size] = separator.separate(x[start : start + batch_size], batch_size)
        if on_progress is not None:
            on_progress("separating", min(start + batch_size, len(x)), len(x))
    separations = _named(mixtures, to)
    try:
        to.mkdir(parents=True, exist_ok=True)
        for done, (mixture, sources, files) in enumerate(zip(mixtures, y, separations, strict=True), 1):
            _write(sources[..., 0], files.digit)
            _write(sources[..., 1], files.item)
            if files.mixture is not None:
                _write(mixture.image[..., 0] / max(1.0, float(mixture.image.max())), files.mixture)
            if on_progress is not None:
                on_progress("writing", done, len(x))
    except OSError as error:
        raise ArtifactError(f"Cannot write pictures to {shown(to)}: {explain(error)}") from error
    return separations


def check_folder(to: Path) -> None:
    """Raise ImageFileError where `to`, or a folder that it would be in, is a file."""
    for path in (to, *to.parents):
        if os.path.exists(path):
            if not os.path.isdir(path):
                raise ImageFileError(f"{shown(path)} is not a folder; choose another with --to.")
            return


def _short(name: str) -> str:
    """A name that leaves room for our endings; where it is cut, no character is cut in two."""
    encoded = os.fsencode(name)
    if len(encoded) <= _NAME_BYTES:
        return name
    return encoded[:_NAME_BYTES].decode(errors="ignore") or "image"


def _named(mixtures: Sequence[Mixture], to: Path) -> list[Separation]:
    read = {file.resolve() for mixture in mixtures for file in mixture.files}
    wanted = {mixture.name.casefold() for mixture in mixtures}
    taken: set[str] = set()
    return [_name(mixture, to, read, wanted, taken) for mixture in mixtures]


def _name(mixture: Mixture, to: Path, read: set[Path], wanted: set[str], taken: set[str]) -> Separation:
    """Find a name whose files are nobody else's, and take it. Case does not tell files apart everywhere."""
    for name in _candidates(mixture.name):
        files = [to / f"{name}.{kind}.png" for kind in ("digit", "item", "mixture")]
        somebody_elses = name != mixture.name and name.casefold() in wanted
        if name.casefold() in taken or somebody_elses or any(file.resolve() in read for file in files):
            continue
        taken.add(name.casefold())
        break
    return Separation(mixture.files, files[0], files[1], files[2] if mixture.made else None)


def _candidates(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in itertools.count(2))


def _write(pixels: Array, file: Path) -> None:
    """Write pixels (32, 32) in [0, 1] as an 8-bit greyscale PNG; what is outside is clipped."""
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    with write_atomically(file) as temporary:
        Image.fromarray(levels).save(temporary, format="PNG")
