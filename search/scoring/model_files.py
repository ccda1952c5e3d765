"""A model file: found on disk without Keras, then loaded by Keras in its safe mode."""

import importlib
import os
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from studyhall.data.mixtures import Mix
from studyhall.search.scoring.separator import Separator, separator_of
from studyhall.studies.bundle.manifest import MANIFEST, MODEL, Loading, verify
from studyhall.studies.errors import ModelFileError
from studyhall.studies.files import similar_beside
from studyhall.studies.one_line import reason, shown

_ACCEPTED = "give a bundle's folder, a .keras file or a legacy .h5 file"
_WHOLE = "save the whole model, as with model.save('model.keras')"


@dataclass(frozen=True)
class ModelFile:
    """A file that looks like a Keras model, and what its bundle says of the examples that it was trained on.

    A file by itself counts as trained on the mean of real images.
    """

    path: Path
    mix: Mix = "mean"
    source: str = "mnist-fashion"
    loading: Loading | None = None
    """What its bundle says that loading it needs."""
    folder: str = ""
    """Of the project that it was trained in."""


def find_model(path: Path) -> ModelFile:
    """Look at `path`: a bundle's folder, a .keras file or a legacy .h5 file.

    Keras is not imported, so it can come before anything slow.

    Raises:
        ModelFileError: It cannot be a model.
        BundleError: The bundle is not as it was published.
    """
    if os.path.isdir(path):  # the functions of os.path, unlike Path's, take any name without raising
        return _in_bundle(path)
    if not os.path.exists(path):
        raise ModelFileError(f"No such file: {shown(path)}; {similar_beside(path) or f'{_ACCEPTED}.'}")
    if path.suffix.lower() not in (".keras", ".h5", ".hdf5") or not os.path.isfile(path):
        raise ModelFileError(f"{shown(path)} is not a model file; {_ACCEPTED}.")
    _check_content(path)
    return ModelFile(path)


def load_separator(path: Path, *, allow_code: bool = False) -> Separator:
    """Load the model at `path`, as `find_model` takes it, and learn its output layout.

    Code that the model holds or needs runs only with `allow_code`.

    Raises:
        ModelFileError: It is anything but a model from 32x32 mixtures to their two sources, as one line says.
        BundleError: The bundle is not as it was published.
    """
    found = find_model(path)
    return separator_of(_load(found, allow_code), found.path, found.mix)


def _in_bundle(folder: Path) -> ModelFile:
    if not os.path.isfile(folder / MANIFEST):
        if os.path.exists(folder / "saved_model.pb"):
            raise ModelFileError(f"{shown(folder)} is a TensorFlow SavedModel; {_WHOLE}.")
        raise ModelFileError(f"{shown(folder)} is not a bundle: it holds no {MANIFEST}; {_ACCEPTED}.")
    manifest = verify(folder)
    definition = manifest.definition
    model = folder / MODEL
    _check_content(model)
    match definition:
        case {"data": {"mix": ("mean" | "sum") as mix, "source": str(source)}}:
            origin = definition.get("origin")
            home = origin.get("folder") if isinstance(origin, dict) else None
            return ModelFile(model, mix, source, manifest.loading, str(home or ""))
    raise ModelFileError(
        f"{shown(folder / MANIFEST)} does not say what the model was trained on; fetch it again."
    )


def _check_content(path: Path) -> None:
    """Refuse a file whose content is not what its name says: Keras would say that the file was not found."""
    try:
        with path.open("rb") as file:
            is_hdf5 = file.read(8) == b"\x89HDF\r\n\x1a\n"
        members: list[str] | None = None
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                members = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{shown(path)} cannot be read ({reason(error)}); {_ACCEPTED}.") from error
    is_keras = members is not None and "config.json" in members
    if path.suffix.lower() == ".keras":
        if is_hdf5:
            raise ModelFileError(f"{shown(path)} holds a legacy HDF5 model: rename it to end in .h5.")
        if members is not None and not is_keras:
            raise ModelFileError(f"{shown(path)} is a zip file but holds no Keras model; {_WHOLE}.")
    elif is_keras:
        raise ModelFileError(
            f"{shown(path)} holds a model of Keras's own format: rename it to end in .keras."
        )
    if not is_keras and not is_hdf5:
        raise ModelFileError(f"{shown(path)} is cut short or not a Keras model; {_ACCEPTED}.")


def _load(found: ModelFile, allow_code: bool) -> Any:
    path, needs = found.path, found.loading
    if needs is not None and (needs.modules or not needs.safe_mode) and not allow_code:
        raise ModelFileError(
            f"{shown(path)} needs code of its author's to be loaded ({needs.in_words()}): if you trust it, add --allow-code."
        )
    import keras

    modules = _import(found) if allow_code and needs is not None else []
    own = {
        name: vars(module)[name]
        for module in modules
        for name in (needs.custom_objects if needs is not None else ())
        if name in vars(module)
    }
    # Keras 2 wrote `groups: 1` for these two layers and Keras 3 refuses it (keras-team/keras#19441), so that
    # no U-Net with transposed convolutions that Keras 2 saved would load.
    layers = (keras.layers.Conv2DTranspose, keras.layers.DepthwiseConv2D)
    try:
        return keras.models.load_model(
            path.absolute(),  # a relative path that begins with "hf:" would be looked for on the network
            custom_objects={layer.__name__: _without_groups(layer) for layer in layers} | own,
            compile=False,
            safe_mode=not allow_code,
        )
    except Exception as error:
        raise ModelFileError(f"{shown(path)} cannot be loaded: {_load_failure(error)}") from error


def _import(found: ModelFile) -> list[ModuleType]:
    """Import the modules that a model needs, from its author's project if that is on this machine."""
    if os.path.isdir(found.folder):
        sys.path.insert(0, found.folder)
    names = found.loading.modules if found.loading is not None else ()
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as error:
        raise ModelFileError(
            f"{shown(found.path)} needs the module '{error.name}' of its author's project: put its folder into PYTHONPATH."
        ) from error


def _without_groups(layer: Any) -> Any:
    """A subclass that ignores a `groups` of 1 in its saved configuration, where it changes nothing."""

    def from_config(cls: Any, config: dict[str, Any]) -> Any:
        kept = {key: value for key, value in config.items() if (key, value) != ("groups", 1)}
        return layer.from_config.__func__(cls, kept)

    return type(layer.__name__, (layer,), {"from_config": classmethod(from_config)})


def _load_failure(error: Exception) -> str:
    # Keras wraps the cause in the model's configuration.
    text = str(error).rpartition("Exception encountered: ")[2]
    unknown = re.search(r"(?:Could not locate \w+|Unknown \w+:) '([^']+)'", text)
    if unknown:
        return f"it needs '{unknown[1]}' of its author's own; rebuild it with Keras's own layers."
    if "lambda" in text.lower():
        return "it holds a Lambda layer, Python code that safe mode does not run; rebuild it with Keras's own layers."
    if "No model config found" in text:
        return f"it holds weights only; {_WHOLE}."
    return (
        f"{reason(ValueError(text))}. Save it again with a current Keras, as with model.save('model.keras')."
    )
