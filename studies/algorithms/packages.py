"""The packages that some of Optuna's classes need and that Optuna does not bring."""

import importlib.metadata
import importlib.util
import inspect
import re
from collections.abc import Callable
from typing import Any


def packages_of(cls: Callable[..., Any]) -> list[str]:
    """Return the packages that a class needs besides Optuna's own, as Optuna's documentation of it says.

    Nothing else tells: the constructors succeed without them, and they are imported when the first trials are
    over.
    """
    command = re.search(r"``pip install ([^`]+)``", inspect.getdoc(cls) or "")
    return command.group(1).split() if command else []


def missing_packages(cls: Callable[..., Any]) -> str | None:
    """Say in one phrase what a class lacks and how to install it; None if nothing is missing."""
    needed = packages_of(cls)
    missing = [package for package in needed if not _is_installed(package)]
    if not missing:
        return None
    return f"{cls.__name__} needs {' and '.join(missing)}; run: pip install {_requirement(needed)}"


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # the module in sys.modules was not made by an importer: it is there all the same
        return True


def _requirement(needed: list[str]) -> str:
    """Return the extra of ours that brings exactly these packages, if there is one, or else the packages."""
    extras: dict[str, set[str]] = {}
    for requirement in importlib.metadata.requires("studyhall") or []:
        found = re.match(r"""([\w.-]+).*;.*\bextra == ['"]([\w-]+)['"]""", requirement)
        if found is not None:
            extras.setdefault(found.group(2), set()).add(found.group(1).lower())
    fitting = [extra for extra, packages in extras.items() if packages == set(needed)]
    return f"'studyhall[{fitting[0]}]'" if fitting else " ".join(needed)
