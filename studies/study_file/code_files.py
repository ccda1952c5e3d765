"""The origin of a definition: the folder that it was read in, and digests of the code that it names there."""

from pathlib import Path

from studyhall.did_you_mean import did_you_mean
from studyhall.studies.definition import Definition, Origin
from studyhall.studies.errors import DefinitionError
from studyhall.studies.files import explain, sha256_of


def located(definition: Definition, folder: Path) -> Definition:
    """Return a definition whose files are looked up in `folder`, with the digests of what is there now.

    Joining a study from another machine, or after its code was edited, is this and then a comparison of
    signatures.

    Raises:
        DefinitionError: A file that the definition names is not there or cannot be read.
    """
    folder = folder.absolute()
    files = {name: _digest(name, folder) for name in definition.files}
    return definition.model_copy(update={"origin": Origin(folder=str(folder), files=files)})


def similar_names(name: str, names: list[str]) -> str:
    """Return a remark on the names most like a missing one, or on what there is; empty if nothing is."""
    stems = {Path(each).stem: each for each in names}  # what they all end in would make them all alike
    return did_you_mean(Path(name).stem, stems, most=3, shown=stems)


def beside(path: Path, pattern: str) -> list[str]:
    """Return the names of the files beside a path that match a pattern, in order; the path need not exist."""
    return sorted(each.name for each in path.parent.glob(pattern)) if path.parent.is_dir() else []


def _digest(name: str, folder: Path) -> str:
    path = folder / Path(name).expanduser()
    if not path.is_file():
        remark = similar_names(path.name, beside(path, "*.py"))
        raise DefinitionError(
            f"there is no file {name} in {folder}; "
            + (remark or "put it there, or name the folder that has it")
        )
    try:
        return sha256_of(path)
    except OSError as error:
        raise DefinitionError(f"{path} cannot be read: {explain(error)}") from error
