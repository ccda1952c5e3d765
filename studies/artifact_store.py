"""The artifact store: bytes by id, in the layout and under the protocol that Optuna uses."""

import errno
import functools
import os
import re
import shutil
import stat
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote

from studyhall.studies.errors import ArtifactError
from studyhall.studies.files import CHUNK, explain, write_atomically

ARTIFACT_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""What an id may look like: never a path, never hidden, and valid as an object's key in S3."""


class ArtifactStore(Protocol):
    """Bytes by id. It satisfies Optuna's protocol of the same name, so optuna-dashboard can serve from it.

    Every method raises ArtifactError, in one line with its remedy, when the store cannot do its work.
    """

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact's bytes; the error for one that is not there is also Optuna's ArtifactNotFound."""
        ...

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store all of `content_body`, replacing what was there; after an error nothing has changed."""
        ...

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact; one that is gone already is no error, so that a removal can be repeated."""
        ...


class FileArtifactStore:
    """Artifacts as files in a folder, named by id, exactly as Optuna's FileSystemArtifactStore lays them out.

    Unlike Optuna's, a file is written under a temporary name and renamed, and links are never followed.

    Args:
        folder: an existing folder.
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
            raise _missing(f"Artifact '{artifact_id}' is not in the artifact store {self}.") from error
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

    def __str__(self) -> str:
        return repr(str(self.folder))

    def _path(self, artifact_id: str) -> Path:
        if re.fullmatch(ARTIFACT_ID, artifact_id) is None:
            raise ArtifactError(f"{artifact_id[:100]!r} cannot be the id of an artifact: refused.")
        return self.folder / artifact_id

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise ArtifactError(
                f"The artifact store {self} has gone. Bring it back, then run the same command again."
            )


def open_artifact_store(location: str, *, create: bool) -> ArtifactStore:
    """Open the artifact store that a definition names.

    Args:
        location: a folder's path, or a `file://` URL.
        create: make the folder where it is missing, and require that it can be written to.

    Raises:
        ArtifactError: the location is of a kind that is not known, is missing, or cannot be used.
    """
    folder = _folder_of(location)
    shown = repr(str(folder))
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        elif not folder.exists():
            raise ArtifactError(
                f"There is no artifact store at {shown}. Run from the folder that holds it, "
                "or correct `artifacts` in the study's [storage]."
            )
        if not folder.is_dir():
            raise FileExistsError(errno.EEXIST, "a file is in the way", str(folder))
        if create and not os.access(folder, os.W_OK | os.X_OK):
            read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
            raise OSError(errno.EROFS if read_only else errno.EACCES, "it cannot be written to", str(folder))
    except (FileExistsError, NotADirectoryError) as error:
        raise ArtifactError(
            f"The artifact store {shown} cannot be a folder, because a file is in the way. "
            "Choose another in `artifacts` of the study's [storage]."
        ) from error
    except OSError as error:
        raise ArtifactError(f"Cannot use the artifact store {shown}: {explain(error)}") from error
    return FileArtifactStore(folder)


def _folder_of(location: str) -> Path:
    """Return the folder that a path or a `file://` URL names."""
    scheme, separator, rest = location.partition("://")
    if separator and "/" not in scheme:
        host, _, path = rest.partition("/")
        if scheme.lower() != "file" or host not in ("", "localhost") or not path:
            # The location is not repeated: it may hold a password.
            raise ArtifactError(
                f"An artifact store of the kind {scheme + '://...'!r} is not known. "
                "Name a folder, for example 'artifacts', or file:///absolute/folder."
            )
        location = unquote("/" + path)
    if not location.strip() or not location.isprintable():
        raise ArtifactError(
            f"{location!r} cannot be an artifact store. Name a folder, for example 'artifacts'."
        )
    try:
        return Path(location).expanduser()
    except RuntimeError as error:  # ~name, of a user who does not exist
        raise ArtifactError(f"{location!r} begins with the home folder of nobody. Correct it.") from error


def _missing(message: str) -> ArtifactError:
    return _missing_class()(message)


@functools.cache
def _missing_class() -> type[ArtifactError]:
    """Return the ArtifactError that is an ArtifactNotFound too; Optuna is imported only when it is needed."""
    from optuna.artifacts.exceptions import ArtifactNotFound

    return type("ArtifactMissingError", (ArtifactError, ArtifactNotFound), {})
