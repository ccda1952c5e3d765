"""A KerasTuner project's folder, told apart from others without waiting for Keras."""

from pathlib import Path

from studyhall.did_you_mean import suggested
from studyhall.studies.errors import DefinitionError
from studyhall.studies.one_line import shown

ORACLE = "oracle.json"
_MOST = 3  # folders that are proposed


def oracle_file(folder: Path) -> Path:
    """Return the file of a project that holds its search space.

    Raises:
        DefinitionError: It is no project directory of KerasTuner; those in it are proposed.
    """
    path = folder / ORACLE
    if path.is_file():
        return path
    inside = sorted(each.parent for each in folder.glob(f"*/{ORACLE}"))[:_MOST] if folder.is_dir() else []
    hint = f"; {suggested(list(map(shown, inside)))}" if inside else ""
    what = f"has no {ORACLE}" if folder.is_dir() else "is not a folder"
    raise DefinitionError(
        f"{shown(folder)} {what}: name KerasTuner's project directory, which is directory/project_name{hint}"
    )
