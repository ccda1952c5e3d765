"""The folder of a script's project, KerasTuner's `project_dir`, where callbacks write."""

import os
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path

from studyhall.studies.database.attributes import FOLDER
from studyhall.studies.errors import UserCodeError
from studyhall.studies.files import explain
from studyhall.studies.one_line import shown
from studyhall.studies.study.study import Study
from studyhall.studies.study_name import study_name

_LONGEST = 255  # bytes of a name in a folder


def folder_name(project_name: str) -> str:
    """Return the name of a project's folder: the project's, or the study's where that is too long for one."""
    too_long = any(len(os.fsencode(part)) > _LONGEST for part in Path(project_name).parts)
    return study_name(project_name) if too_long else project_name


class ProjectFolder:
    """The folder that a project has, or will have.

    A study remembers it if it was not there before the study was: all that is in it came with the study then,
    and goes with it. What was there before is nobody's to remove.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._here = {"host": socket.gethostname(), "path": str(path.resolve())}

    @property
    def is_there(self) -> bool:
        """Whether there is such a folder by now."""
        return self._path.exists()

    def belong_to(self, study: Study) -> None:
        """Have a new study remember it."""
        study.optuna().set_user_attr(FOLDER, self._here)

    def belongs_to(self, study: Study) -> bool:
        """Whether a study remembers it."""
        return bool(study.attribute(FOLDER) == self._here)

    def remove(self, others: Iterable[Path]) -> None:
        """Remove it with all that is in it, unless other things are in it, too.

        Args:
            others: The database and the artifact store, which hold other studies.

        Raises:
            UserCodeError: It cannot be removed.
        """
        path = self._path.resolve()
        if (
            self._path.is_symlink()
            or not path.is_dir()
            or any(path in (each, *each.parents) for each in others)
        ):
            return
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise UserCodeError(
                f"overwrite=True cannot remove {shown(path)}: {explain(error)}; remove it, and start again"
            ) from None
