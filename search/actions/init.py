"""The example project that `studyhall init` writes."""

import contextlib
from importlib.resources import files
from pathlib import Path

from studyhall.studies.errors import DefinitionError
from studyhall.studies.files import explain, write_atomically

FILES = ("study.toml", "my_model.py", "my_data.py")


def write_example(folder: Path) -> list[Path]:
    """Write the example into an empty or new folder; return the files.

    Raises:
        DefinitionError: The folder holds something, or cannot be written.
    """
    example = files("studyhall.search") / "example_project"
    written: list[Path] = []
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DefinitionError(f"{folder} is not empty: name a new folder, as in {folder}/my-study")
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            with write_atomically(folder / name) as temporary:
                temporary.write_bytes((example / name).read_bytes())
            written.append(folder / name)
    except OSError as error:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise DefinitionError(f"Cannot write the example into {folder}: {explain(error)}") from error
    return written
