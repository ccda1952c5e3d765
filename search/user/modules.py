"""Users' modules: imported from their own folder, and never mistaken for somebody else's of the same name."""

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_folders: set[Path] = set()  # from which this process has imported users' code


def import_module(name: str, folder: Path) -> ModuleType:
    """Import a module by its dotted name, from `folder`, the project that it is in, or the environment."""
    if name.partition(".")[0] != "studyhall":  # Ours needs nobody's folder.
        _put_first(folder)
        root = project_of(name, folder)
        if root != folder:
            _put_first(root)
    return importlib.import_module(name)


def project_of(name: str, folder: Path) -> Path:
    """Return the folder from which `python -m` would find a module.

    It is the one of the study's file, or the nearest above it that has the module, or the current one; where
    none has it, that of the study's file, and the environment may have the module.
    """
    *packages, last = name.split(".")
    for each in (folder, *folder.parents, Path.cwd()):
        path = each.joinpath(*packages)
        if (path / f"{last}.py").is_file() or (path / last).is_dir():
            return each
    return folder


def package_name(path: Path, folder: Path) -> str:
    """Return the dotted name under which a file is a part of its package; the file need not exist.

    Args:
        path: The file.
        folder: The study's; a file beside the study is taken for a module of that folder.
    """
    top = path.parent
    while (top / "__init__.py").is_file():
        top = top.parent
    if top == path.parent:  # packages need no __init__.py
        top = folder if path.parent != folder and path.is_relative_to(folder) else path.parent.parent
    return ".".join(path.relative_to(top).with_suffix("").parts)


def imported_folders() -> list[str]:
    """Return the folders from which this process has imported users' code, as they stand in `sys.path`."""
    return [entry for entry in sys.path if Path(entry) in _folders]


def import_file(path: Path, folder: Path) -> ModuleType:
    """Import an existing Python file; modules in `folder`, and beside the file, are found by it."""
    _put_first(folder)
    if path.parent != folder:
        _put_first(path.parent)  # As if the file were run: its neighbours are found.
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) != str(path):
        # Somebody else's module has the file's name, and must keep it.
        name = f"{name}_{hashlib.sha256(str(path).encode()).hexdigest()[:10]}"
        known = sys.modules.get(name)
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def modules_within(folder: Path) -> list[str]:
    """Return the names of the modules that this process has imported from a folder, or from folders in it.

    What is Python's, ours, or installed in an environment within the folder is not the user's.
    """
    folder, found = folder.resolve(), []
    others = sys.stdlib_module_names | {"__main__", "studyhall"}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if (
            file is None
            or name.partition(".")[0] in others
            or not Path(file).resolve().is_relative_to(folder)
        ):
            continue
        if not {"site-packages", "dist-packages"} & set(Path(file).parts):
            found.append(name)
    return found


def _put_first(folder: Path) -> None:
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]
    importlib.invalidate_caches()
    _forget_namesakes(folder)
    _folders.add(folder)


def _forget_namesakes(folder: Path) -> None:
    # A process that has loaded another folder's `models.py` must not take it for this one's.
    others = {
        other for other in _folders if not (other.is_relative_to(folder) or folder.is_relative_to(other))
    }
    for name, module in list(sys.modules.items()):
        top = folder / name.partition(".")[0]
        if others and (top.is_dir() or top.with_suffix(".py").is_file()):
            origin = Path(
                getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), "")
            )
            if any(origin.is_relative_to(other) for other in others):
                del sys.modules[name]
