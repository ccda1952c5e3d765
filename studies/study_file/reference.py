"""What a person means by STUDY: a study file, or a study's name in the storage."""

from dataclasses import dataclass
from pathlib import Path

from studyhall.did_you_mean import closest, suggested
from studyhall.studies.artifacts.location import artifact_location
from studyhall.studies.database.address import parse
from studyhall.studies.database.names import sqlite_url
from studyhall.studies.definition import Definition, StorageSpec
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.code_files import beside
from studyhall.studies.study_file.loading import load_study_file


@dataclass(frozen=True)
class StudyReference:
    """A study that somebody named.

    `definition` is there when it was named by its file; `artifacts` is None when it is up to the study in the
    storage. `project` is the folder of its code here, None where that is the one in which it was created.
    `asked` is what its file calls it, where a study cannot be called that.
    """

    name: str
    storage_url: str
    artifacts: str | None
    definition: Definition | None = None
    project: Path | None = None
    asked: str | None = None

    def store_location(self, artifacts: str) -> str:
        """Return where the study's artifact store is: where it was said to be, else where the study says.

        Args:
            artifacts: Its definition's `storage.artifacts`.
        """
        return self.artifacts or artifact_location(self.storage_url, artifacts)


def resolve_study(
    text: str,
    storage: str | None,
    artifacts: str | None = None,
    scale: float | None = None,
    project: Path | None = None,
    *,
    existing: bool = False,
) -> StudyReference:
    """Find out what STUDY names; flags and environment win over the file, which wins over the defaults.

    Args:
        text: A path that ends in `.toml`, or a study's name.
        storage: The database's URL, or the name of its file, from the flag or the environment, or None.
        artifacts: The artifact store from the flag or the environment, or None.
        scale: What the file's budget is multiplied by, in place of its own `scale`; or None.
        project: The folder of the study's code on this machine, where it is named by its name; or None.
        existing: Whether the study has to be there already: then the database of a file is looked for beside
            the file as well, and above it, where the current folder has none.

    Raises:
        DefinitionError: The text names a file that is missing or wrong or ends otherwise, or a scale is given
            with a study's name, or a project with a file.
    """
    if not text.endswith(".toml"):
        _refuse_a_path(text)
        if scale is not None:
            raise DefinitionError(
                f"--scale needs a study file; the study {text!r} keeps the scale at which it was created"
            )
        url = storage or StorageSpec().url
        return StudyReference(text, url, artifacts, project=project)
    if project is not None:
        raise DefinitionError(f"--project needs a study's name; the code of {text} is beside it")
    read = load_study_file(Path(text), {} if scale is None else {"scale": scale})
    definition = read.definition
    url = storage or definition.storage.url
    if existing and storage is None:
        url = _found(url, Path(text).parent)
    return StudyReference(
        definition.name,
        url,
        artifacts or artifact_location(url, definition.storage.artifacts),
        definition,
        asked=None if read.name == definition.name else read.name,
    )


def _found(url: str, folder: Path) -> str:
    """Return the URL of the database of a study file in `folder`, wherever the search of it was started."""
    here = parse(url).path
    if here is None or here.exists():
        return url
    if not here.is_relative_to(Path.cwd()):
        return url
    home, name = folder.absolute(), here.relative_to(Path.cwd())
    there = next((path for each in (home, *home.parents) if (path := each / name).is_file()), None)
    return url if there is None else sqlite_url(there)


def _refuse_a_path(text: str) -> None:
    """Refuse what was meant for a file: nobody wants to hear that the database has no study of that name."""
    path = Path(text)
    certain = ("/" in text and path.parent.is_dir()) or (path.suffix != "" and path.is_file())
    certain = certain or bool(closest(path.suffix, [".toml"], cutoff=0.75))
    near = closest(path.name, beside(path, "*.toml"), cutoff=0.6 if certain else 0.8)
    if certain or (near and path.suffix):
        hint = suggested([str(path.with_name(near[0]))]) if near else "give the path of a study's TOML"
        raise DefinitionError(f"a study file ends in .toml, and {text} does not; {hint}")
