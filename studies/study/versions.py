"""The package versions that a study was created with, and whether this machine's go together with them."""

import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata

from studyhall.studies.errors import StudyConflictError

PACKAGES = ("studyhall", "keras", "keras-tuner", "optuna", "numpy", "tensorflow", "jax", "torch")
"""What can change a result."""

_DEPTH = {"studyhall": 2, "optuna": 1}
"""How many leading numbers of a version must be the same: what is written in the storage depends on them."""

_NOTED = ("keras", "keras-tuner", "optuna", "tensorflow", "jax", "torch")
_NOTED_DEPTH = 2


@cache
def installed() -> dict[str, str]:
    """Return the versions of Python and of what is installed that can change a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def require_compatible(study: str, created: Mapping[str, str], here: Mapping[str, str] | None = None) -> None:
    """Refuse to work on a study with versions that read or write the storage in another way.

    Args:
        study: Its name.
        created: The versions that it was created with; what is not known is not compared.
        here: Those of this machine, by default `installed()`.

    Raises:
        StudyConflictError: Another minor version of Studyhall, or another major version of Optuna.
    """
    here = installed() if here is None else here
    for package, depth in _DEPTH.items():
        if _differ(package, depth, created, here):
            series = ".".join(_numbers(created[package], depth))
            raise StudyConflictError(
                f"Study {study!r} was created with {package} {created[package]}, and here is {package} {here[package]}. "
                f"Work on it with: pip install '{package}=={series}.*', or choose another name."
            )


def remark(created: Mapping[str, str], here: Mapping[str, str] | None = None) -> str | None:
    """Return a line about packages that may give other results here than at the study's creation, or None.

    Args:
        created: The versions that the study was created with.
        here: Those of this machine, by default `installed()`.
    """
    here = installed() if here is None else here
    others = [
        f"{package} {here[package]} (the study: {created[package]})"
        for package in _NOTED
        if _differ(package, _NOTED_DEPTH, created, here)
    ]
    return f"other versions than the study was created with: {', '.join(others)}" if others else None


def _differ(package: str, depth: int, created: Mapping[str, str], here: Mapping[str, str]) -> bool:
    if package not in created or package not in here:
        return False
    return _numbers(created[package], depth) != _numbers(here[package], depth)


def _numbers(version: str, depth: int) -> list[str]:
    return version.split(".")[:depth]
