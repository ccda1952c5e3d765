"""Loads a model as a stranger would, in a process of its own that knows nothing of Studyhall; run as a file.

`python -I stranger.py FOLDER`: the folder holds `stranger.json`: {"model": the saved file, "folders": those
of the user's code, "modules": names to import from there if need be, "helpers": names of modules that those
import from there, to look into for what is missing even then}. With `inputs.npz` and `outputs.npz` the
model's predictions are compared. The last line of what it prints is JSON: {"needs": ... or null, "error": why
it fails even with the user's code, "differs": whether predictions do}.
"""

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

MISSING = re.compile(r"(?:Could not locate \w+|Unknown \w+:) '([^']+)'")


def load(path: Path, told: dict[str, Any]) -> tuple[Any, dict[str, Any] | None, str]:
    """Return the model, what loading it needs beyond `load_model(path)`, and the last attempt's error.

    It is tried in the order of what asks the least of people; None for the model if nothing helps. The last
    attempt has all that there is, so that its error is the model's own and no class is missing for lack of
    an import.
    """
    error = ""
    names: list[str] = []
    objects: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for more in ([], *filter(None, (told["modules"], told["helpers"]))):
        if more:
            sys.path[:0] = [folder for folder in told["folders"] if folder not in sys.path]
        names += more
        modules = {name: _imported(name) for name in names}
        for safe_mode in (True, False):
            for compiles in (True, False):
                model, error = _attempt(
                    path, objects, sources, modules, safe_mode=safe_mode, compiles=compiles
                )
                if model is not None:
                    needs = {
                        "safe_mode": safe_mode,
                        "compile": compiles,
                        "modules": [
                            each for each in names if each in told["modules"] or each in sources.values()
                        ],
                        "custom_objects": sorted(objects),
                    }
                    return model, needs, error
    return None, None, error


def _attempt(
    path: Path,
    objects: dict[str, Any],
    sources: dict[str, str],
    modules: dict[str, Any],
    *,
    safe_mode: bool,
    compiles: bool,
) -> tuple[Any, str]:
    """Load the model with what the modules have of what is missing; note each object and its source."""
    while True:
        try:
            model = keras.models.load_model(
                path, custom_objects=objects, compile=compiles, safe_mode=safe_mode
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, loading failed
            missing = MISSING.search(str(error))
            name = None if missing is None else missing[1].rpartition(">")[2]
            source = next((each for each, module in modules.items() if name in vars(module)), None)
            if name is None or name in objects or source is None:
                return None, " ".join(str(error).split())
            objects[name], sources[name] = vars(modules[source])[name], source
        else:
            return model, ""


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 - then it brings nothing
        return object


def differs(model: Any, folder: Path) -> bool:
    """Whether the model's predictions are other than those in the folder; False where none are kept."""
    if not (folder / "inputs.npz").is_file():
        return False
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "outputs.npz") as outputs:
        x = {name: inputs[name] for name in inputs.files}
        wanted = [outputs[name] for name in outputs.files]
    return not alike(predicted(model, x["x"] if list(x) == ["x"] else x), wanted)


def predicted(model: Any, x: Any) -> list[Any]:
    """Return a model's outputs for a batch, as float32 arrays."""
    outputs = keras.tree.flatten(model(x, training=False))
    return [keras.ops.convert_to_numpy(keras.ops.cast(each, "float32")) for each in outputs]


def alike(found: list[Any], wanted: list[Any]) -> bool:
    """Whether predictions are the same, but for the rounding of low precision."""
    pairs = zip(found, wanted, strict=True)
    return all(np.allclose(one, other, rtol=1e-2, atol=1e-3) for one, other in pairs)


def main(folder: Path) -> None:
    """Load the model in the folder, and print what was found."""
    told = json.loads((folder / "stranger.json").read_text())
    model, needs, error = load(Path(told["model"]), told)
    other = model is not None and differs(model, folder)
    print(json.dumps({"needs": needs, "error": error, "differs": other}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
