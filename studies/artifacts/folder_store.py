"""The artifact store in a folder, in the layout that Optuna uses."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from studyhall.studies.artifacts.store import StoredFile, checked_id, is_id, missing
from studyhall.studies.errors import ArtifactError, ArtifactLocationError
from studyhall.studies.files import CHUNK, TEMPORARY_PREFIX, explain, write_atomically

_LEFT_BY_A_WRITER = re.compile(re.escape(TEMPORARY_PREFIX) + r"[0-9a-f]{16}(\.[^/]{1,15})?")  # see files.py


class FileArtifactStore:
    """Artifacts as files in a folder, named by id, exactly as Optuna's FileSystemArtifactStore lays them out.

    Unlike Optuna's, a file is written under a temporary name and renamed, and links are never followed.

    Args:
        folder: An existing folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"FileArtifactStore({str(self.folder)!r})"

    def open_reader(self, artifact_id: str) -> BinaryIO:
        path = self._path(artifact_id)
        try:
            # O_NONBLOCK: opening a named pipe would otherwise wait for a writer.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError as error:
            self._require_folder()
            raise missing(artifact_id, self) from error
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise ArtifactError(
                    f"Artifact '{artifact_id}' in {self} is a symbolic link: refused."
                ) from error
            raise ArtifactError(f"Cannot read from the artifact store {self}: {explain(error)}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise ArtifactError(f"Artifact '{artifact_id}' in {self} is not a file: refused.")
        return os.fdopen(handle, "rb")

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        path = self._path(artifact_id)
        # A folder that has vanished is not created again: it may be a network disk that is not mounted now.
        self._require_folder()
        try:
            with write_atomically(path) as temporary, open(temporary, "xb") as file:
                shutil.copyfileobj(content_body, file, CHUNK)
        except OSError as error:
            raise ArtifactError(f"Cannot write to the artifact store {self}: {explain(error)}") from error

    def remove(self, artifact_id: str) -> None:
        path = self._path(artifact_id)
        try:
            path.unlink()
        except OSError as error:
            if os.path.lexists(path):  # a read-only file system refuses before it looks
                raise ArtifactError(
                    f"Cannot remove from the artifact store {self}: {explain(error)}"
                ) from error

    def files(self) -> Iterator[StoredFile]:
        self._require_folder()
        try:
            with os.scandir(self.folder) as found:
                for each in found:
                    complete = is_id(each.name)
                    if not (complete or _LEFT_BY_A_WRITER.fullmatch(each.name)):
                        continue
                    try:
                        status = each.stat(follow_symlinks=False)
                    except FileNotFoundError:  # removed meanwhile
                        continue
                    if stat.S_ISREG(status.st_mode):
                        yield StoredFile(each.name, status.st_size, status.st_mtime, complete)
        except OSError as error:
            raise ArtifactError(f"Cannot read from the artifact store {self}: {explain(error)}") from error

    def discard(self, name: str) -> None:
        if _LEFT_BY_A_WRITER.fullmatch(name) is None:
            raise ArtifactError(f"{name[:100]!r} is not a file that Studyhall wrote: refused.")
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise ArtifactError(f"Cannot remove from the artifact store {self}: {explain(error)}") from error

    def __str__(self) -> str:
        return repr(str(self.folder))

    def _path(self, artifact_id: str) -> Path:
        return self.folder / checked_id(artifact_id)

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise ArtifactError(
                f"The artifact store {self} is gone. Restore it, then run the same command again."
            )


def open_folder_store(location: str, *, create: bool) -> FileArtifactStore:
    """Open the artifact store in a folder.

    Args:
        location: A folder's path, or a `file://` URL.
        create: Make the folder where it is missing, and require that it can be written to.

    Raises:
        ArtifactError: The location is of a kind that is not known, is missing, or cannot be used.
    """
    folder = _folder_of(location)
    shown = repr(str(folder))
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        elif not folder.exists():
            raise ArtifactLocationError(
                f"There is no artifact store at {shown}. Name the study's own with --artifacts, run from the folder that "
                "holds it, or correct `artifacts` in the study's [storage]."
            )
        if not folder.is_dir():
            raise FileExistsError(errno.EEXIST, "a file is in the way", str(folder))
        if create and not os.access(folder, os.W_OK | os.X_OK):
            read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
            raise OSError(errno.EROFS if read_only else errno.EACCES, "it cannot be written to", str(folder))
    except (FileExistsError, NotADirectoryError) as error:
        raise ArtifactLocationError(
            f"The artifact store {shown} cannot be a folder, because a file is in the way. "
            "Choose another in `artifacts` of the study's [storage]."
        ) from error
    except OSError as error:
        raise ArtifactLocationError(f"Cannot use the artifact store {shown}: {explain(error)}") from error
    return FileArtifactStore(folder)


def _folder_of(location: str) -> Path:
    """Return the folder that a path or a `file://` URL names."""
    scheme, separator, rest = location.partition("://")
    if separator and "/" not in scheme:
        host, _, path = rest.partition("/")
        if scheme.lower() != "file" or host not in ("", "localhost") or not path:
            # The location is not repeated: it may hold a password.
            raise ArtifactLocationError(
                f"An artifact store of the kind {scheme + '://...'!r} is not known. "
                "Name a folder, for example 'artifacts', file:///absolute/folder, or s3://BUCKET/PREFIX."
            )
        location = unquote("/" + path)
    if not location.strip() or not location.isprintable():
        raise ArtifactLocationError(
            f"{location!r} cannot be an artifact store. Name a folder, for example 'artifacts'."
        )
    try:
        return Path(location).expanduser()
    except RuntimeError as error:  # ~name, of a user who does not exist
        raise ArtifactLocationError(
            f"{location!r} begins with the home folder of a user who does not exist. Correct it."
        ) from error
