"""The package in which a user's project travels to other machines: a zip file of the study's folder."""

import os
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from studyhall.studies.definition import Definition
from studyhall.studies.errors import DefinitionError
from studyhall.studies.files import explain

ROOT = "studyhall-project"  # the one folder in the package: nothing of the user's is where Python looks by itself
IGNORE_FILE = ".studyhallignore"
LIMIT = 500_000_000  # bytes; Ray's own limit is 512 MiB
LEFT_OUT = (
    ".git",
    ".hg",
    ".svn",
    ".env",
    "__pycache__",
    "*.py[co]",
    ".ipynb_checkpoints",
    ".*_cache",
    ".tox",
    ".nox",
    "node_modules",
)
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the same files make the same package, which a machine unpacks once


def pack(definition: Definition, target: Path, without: Sequence[Path] = ()) -> None:
    """Write the study's folder to a zip file, in the folder `ROOT` there.

    What is left out: `LEFT_OUT`, virtual environments, links to folders, what the folder's file
    .studyhallignore names (globs, one a line, of a name or of a path in the folder), and `without`.

    Args:
        definition: The study, as it was read in its folder.
        target: The zip file.
        without: Files and folders that stay, and files that begin with such a file's name.

    Raises:
        DefinitionError: It is too large, cannot be read, or the definition names code outside of it.
    """
    folder = definition.folder.absolute()
    for name in definition.files:
        path = Path(os.path.normpath(folder / Path(name).expanduser()))
        if not path.is_relative_to(folder):
            raise DefinitionError(
                f"{name} is outside the study's folder {folder}, and only that folder is sent to other machines: put it there, or "
                "install it on them as a package"
            )
    sizes: dict[Path, int] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(zipfile.ZipInfo(f"{ROOT}/", _EARLIEST), "")
        for path in _files(folder, without):
            try:
                content = path.read_bytes() if (size := path.stat().st_size) <= LIMIT else b""
            except OSError as error:
                raise DefinitionError(f"{path} cannot be read: {explain(error)}") from error
            sizes[path] = size
            if sum(sizes.values()) > LIMIT:
                raise DefinitionError(_too_large(folder, sizes))
            entry = zipfile.ZipInfo(f"{ROOT}/{path.relative_to(folder).as_posix()}", _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            package.writestr(entry, content)


def _files(folder: Path, without: Sequence[Path]) -> Iterator[Path]:
    left_out = [*LEFT_OUT, *_globs(folder / IGNORE_FILE)]
    stays = [os.path.abspath(each) for each in without]

    def travels(path: Path) -> bool:
        inside = path.relative_to(folder).as_posix()
        if any(fnmatchcase(path.name, glob) or fnmatchcase(inside, glob.strip("/")) for glob in left_out):
            return False
        return not any(str(path) == each or (path.is_file() and str(path).startswith(each)) for each in stays)

    for here, folders, files in os.walk(folder):
        at = Path(here)
        folders[:] = sorted(
            name for name in folders if travels(at / name) and not (at / name / "pyvenv.cfg").is_file()
        )
        for name in sorted(files):
            path = at / name
            if path.is_file() and travels(path):  # no sockets, no links to nothing
                yield path


def _globs(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        reason = explain(error) if isinstance(error, OSError) else "it is not text"
        raise DefinitionError(f"{file} cannot be read: {reason}") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _too_large(folder: Path, sizes: dict[Path, int]) -> str:
    largest = max(sizes, key=lambda path: sizes[path])
    return (
        f"The study's folder {folder} holds more than {LIMIT / 1e6:.0f} MB, too much to send to other machines; the largest "
        f"file in it is {largest.relative_to(folder)} ({sizes[largest] / 1e6:,.0f} MB): keep such files where every machine reads "
        f"them, or name them in {folder / IGNORE_FILE}"
    )
