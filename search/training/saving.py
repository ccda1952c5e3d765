"""Saving a trained model, and what it takes to load it again where nobody has the code that built it."""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from studyhall.search.training import stranger
from studyhall.search.user.examples import is_array
from studyhall.search.user.modules import imported_folders, modules_within
from studyhall.studies.bundle.manifest import MODEL, Loading
from studyhall.studies.definition import Definition

LOAD_SECONDS = 180.0

# The class names of Keras's that run code of the file's author.
_CODE = frozenset({"__lambda__", "Lambda"})


_DIFFERS = (
    "the saved model predicts other values than the one in memory: see that get_config() returns all that __init__() was given, "
    "and that layers are attributes of the model"
)


class UnsavableModelError(Exception):
    """A model cannot be saved, or not be loaded again; the message says what it lacks, in one line."""


def save_model(model: Any, folder: Path) -> Path:
    """Write a model to `folder / "model.keras"` and return that path.

    Raises:
        UnsavableModelError: The user's own classes do not allow it.
    """
    path = folder / MODEL
    try:
        model.save(path)
    except OSError:
        raise
    except Exception as error:
        path.unlink(missing_ok=True)
        raise UnsavableModelError(f"the model cannot be saved: {_lacks(error)}") from error
    if (where := _unreadable(_config_in(path))) is not None:
        path.unlink()
        raise UnsavableModelError(
            f"the model cannot be loaded again: {where} is a lambda, which Keras saves in a form that it cannot read; name a "
            "function of the module instead, or add a layers.Lambda"
        )
    return path


def save_checked(model: Any, folder: Path, inputs: Callable[[], Any]) -> Path:
    """Save a model; if it has classes that are not Keras's, check that it predicts the same when loaded.

    Args:
        model: The model.
        folder: Where `model.keras` is written.
        inputs: Returns a batch of its inputs.

    Raises:
        UnsavableModelError: It cannot be saved, or predicts other values when it is loaded.
    """
    path = save_model(model, folder)
    if is_plain(path):
        return path
    # The module of a study's file cannot be imported by its name, so that Keras would not find what is not
    # registered.
    classes = map(type, model._flatten_layers())
    own = {each.__name__: each for each in classes if not _is_keras(each.__module__)}
    try:
        loaded = keras.models.load_model(path, custom_objects=own, compile=False, safe_mode=False)
    except Exception:  # noqa: BLE001 - what a stranger needs to load it is found out elsewhere
        return path
    if not _alike(model, loaded, inputs()):
        raise UnsavableModelError(_DIFFERS)
    return path


def loads_here(path: Path, model: Any, x: Any) -> bool:
    """Whether `load_model(path)` in this process returns a model that predicts what the saved one does.

    For a model of nothing but Keras's own classes that says the same as a process of its own does, which
    takes seconds to start.

    Args:
        path: The model's file.
        model: The model that was saved.
        x: A batch of its inputs.
    """
    try:
        loaded = keras.models.load_model(path)
    except Exception:  # noqa: BLE001 - a process of its own finds out why
        return False
    return _numbers(x) is None or _alike(model, loaded, x)


def _alike(model: Any, loaded: Any, x: Any) -> bool:
    return stranger.alike(stranger.predicted(model, x), stranger.predicted(loaded, x))


def is_plain(path: Path) -> bool:
    """Whether a saved model holds nothing but Keras's own classes, so that anybody can load it."""
    return _is_plain(_config_in(path))


def _config_in(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


def _unreadable(config: Any, owner: str = "the model") -> str | None:
    """Return where a config holds a lambda's code without saying so, as of Dense(activation=lambda ...)."""
    if isinstance(config, list):
        return next((found for each in config if (found := _unreadable(each, owner))), None)
    if not isinstance(config, dict) or config.get("class_name") == "__lambda__":
        return None
    owner = config["name"] if isinstance(config.get("name"), str) else owner
    for key, value in config.items():
        if key.endswith("activation") and isinstance(value, dict) and value.keys() == {"value"}:
            return f"the {key} of {owner}"
        if found := _unreadable(value, owner):
            return found
    return None


def _is_plain(config: Any) -> bool:
    if isinstance(config, list):
        return all(map(_is_plain, config))
    if not isinstance(config, dict):
        return True
    module, name = config.get("module"), config.get("class_name")
    if name in _CODE or (name is not None and config.get("registered_name") and not _is_keras(module)):
        return False
    if name == "function" or (module == "builtins" and "registered_name" in config):
        return False
    return all(map(_is_plain, config.values()))


def _is_keras(module: Any) -> bool:
    return str(module).partition(".")[0] == "keras"


def what_loading_needs(
    definition: Definition, path: Path, folder: Path, model: Any = None, x: Any = None
) -> Loading | None:
    """Load a saved model in a process of its own, as a stranger would; return what that needs.

    Args:
        definition: The study's; its code is imported only where a plain `load_model` fails.
        path: The model's file.
        folder: An existing folder, in which files for the other process are left.
        model: The model that was saved, to compare its predictions; None compares nothing.
        x: A batch of its inputs.

    Returns:
        None where `keras.models.load_model(path)` is all.

    Raises:
        UnsavableModelError: It cannot be loaded again, or predicts other values then.
    """
    modules = [_module_of(each) for each in (definition.hypermodel.path, definition.data.source)]
    folders = imported_folders()
    helpers = dict.fromkeys(each for folder in folders for each in modules_within(Path(folder)))
    told = {
        "model": str(path.absolute()),
        "folders": list(dict.fromkeys([*folders, str(definition.folder.absolute())])),
        "modules": list(dict.fromkeys(each for each in modules if each)),
        "helpers": [each for each in helpers if each not in modules],
    }
    (folder / "stranger.json").write_text(json.dumps(told))
    _keep_predictions(folder, model, x)
    try:
        result = subprocess.run(
            [sys.executable, "-I", stranger.__file__, str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=LOAD_SECONDS,
            cwd=folder,
            env=os.environ
            | {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except subprocess.TimeoutExpired as error:
        raise UnsavableModelError(
            f"the saved model cannot be loaded again: loading it in a process of its own took longer than {LOAD_SECONDS:g} s"
        ) from error
    if result.returncode != 0:
        last = next(iter(result.stderr.strip().splitlines()[-1:]), f"status {result.returncode}")
        raise UnsavableModelError(f"the saved model cannot be loaded again: {last}")
    found = json.loads(result.stdout.strip().splitlines()[-1])
    if found["needs"] is None:
        raise UnsavableModelError(f"the saved model cannot be loaded again: {_unloadable(found['error'])}")
    if found["differs"]:
        raise UnsavableModelError(_DIFFERS)
    needs = Loading(**found["needs"])
    return None if needs == Loading() else needs


def _module_of(reference: str) -> str | None:
    """Return the name that the module of a reference is imported by.

    It returns None where the reference names none of the user's.
    """
    where = reference.rpartition(":")[0]
    if where.endswith(".py"):
        return Path(where).stem
    return where if where and where.partition(".")[0] != "studyhall" else None


def _keep_predictions(folder: Path, model: Any, x: Any) -> None:
    arrays = _numbers(x)
    if model is None or arrays is None:
        return
    np.savez(folder / "inputs.npz", **arrays)
    outputs = {f"{index:04}": each for index, each in enumerate(stranger.predicted(model, x))}
    np.savez(folder / "outputs.npz", **outputs)


def _numbers(x: Any) -> dict[str, Any] | None:
    """Return a batch as named arrays of numbers; None where it is something else."""
    named = {"x": x} if is_array(x) else x if isinstance(x, dict) else None
    if named is None:
        return None
    arrays = {name: keras.ops.convert_to_numpy(each) for name, each in named.items()}
    return arrays if all(array.dtype.kind in "fiub" for array in arrays.values()) else None


def _lacks(error: Exception) -> str:
    text = " ".join(str(error).split())
    if called := re.search(r"(\w+)\.get_config\(\) missing 1 required positional argument: 'self'", text):
        name = called[1]
        return f"{name} is a class where an object is needed: write {name}()"
    needs = re.search(r"Object (\S+) was created by passing non-serializable argument values", text)
    return f"{needs[1]} needs get_config()" if needs else f"{type(error).__name__}: {text[:300]}"


def _unloadable(error: str) -> str:
    """Say in a line why Keras's message says that a model cannot be loaded, and what to do."""
    missing = stranger.MISSING.search(error)
    if missing is not None:
        return f"'{missing[1]}' is not found in its module: define it at the module's top level, not inside a function"
    # A layer's message stands within that of the model around it.
    unbuilt = re.findall(r"<class '([^']+)'> could not be deserialized properly", error)
    if not unbuilt:
        return error[:300]
    why = re.split(r"(?:Error encountered during deserialization|Exception encountered): ", error)[-1]
    return (
        f"'{unbuilt[-1].rpartition('.')[2]}' cannot be built from its config: {why[:200]}; see that its __init__() takes **kwargs "
        "and passes them on to super().__init__(), and that get_config() returns all else that it takes"
    )
