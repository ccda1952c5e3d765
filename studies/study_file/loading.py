"""The file of a definition: TOML in, one frozen value or one clear line out."""

import copy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from studyhall.studies.algorithms.factory import check_algorithms
from studyhall.studies.definition import Definition
from studyhall.studies.definition.scale import scaled
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL, BUILT_IN_SOURCES, is_built_in
from studyhall.studies.errors import DefinitionError
from studyhall.studies.files import explain
from studyhall.studies.study_file.code_files import beside, located, similar_names
from studyhall.studies.study_file.messages import one_line, section_at, unknown_key

_EVERYBODYS = ("study", "studies", "search")  # so many files and folders are called that; it tells none apart


def load_definition(path: Path, overrides: Mapping[str, Any] | None = None) -> Definition:
    """Read a study's TOML.

    Args:
        path: The file; its folder is where file paths of the user's code start from.
        overrides: Values that win over the file's, by dotted key, as in `{"search.trials": 40}`.

    Raises:
        DefinitionError: The file is missing or no TOML, or says something that no study can do.
    """
    return load_study_file(path, overrides).definition


@dataclass(frozen=True)
class StudyFile:
    """A study file that was read: its definition, and the name from which the study's was made."""

    definition: Definition
    name: str


def load_study_file(path: Path, overrides: Mapping[str, Any] | None = None) -> StudyFile:
    """Read a study's TOML, as `load_definition` does."""
    tables = {"name": _name_of(path)} | _parsed(_read(path), path)
    try:
        return StudyFile(define(tables, path.parent, overrides), str(tables["name"]))
    except DefinitionError as error:
        raise DefinitionError(f"{_shown(path)}: {error}") from error


def _name_of(path: Path) -> str:
    """Return what the study of a file is called that does not say it."""
    above = (path.stem, *(each.name for each in path.absolute().parents))
    return next((each for each in above if each and each not in _EVERYBODYS), path.stem)


def define(tables: Mapping[str, Any], folder: Path, overrides: Mapping[str, Any] | None = None) -> Definition:
    """Make a definition of what a TOML file would hold.

    Args:
        tables: The sections, as `tomllib` reads them; a name and a HyperModel are needed, and the data of a
            model that is not ours.
        folder: Where file paths of the user's code start from.
        overrides: As for `load_definition`.

    Returns:
        The definition, with its budget at its `scale`.

    Raises:
        DefinitionError: As for `load_definition`.
    """
    wanted = copy.deepcopy(dict(tables))
    for key, value in (overrides or {}).items():
        _put(wanted, key.split("."), value)
    if "origin" in wanted:
        raise DefinitionError(f"origin: {unknown_key(['origin'])}")
    try:
        definition = Definition.model_validate(wanted)
    except ValidationError as error:
        # Not chained: pydantic's own text repeats whole values, and a value may be a password.
        raise DefinitionError(one_line(error)) from None
    _check_what_is_trained(definition)
    return check_algorithms(located(scaled(definition), folder))


def _check_what_is_trained(definition: Definition) -> None:
    """Refuse tables that leave out the model, or the data of a person's own model.

    The defaults would train our separation of images instead, or feed images to a model that knows nothing of
    them.
    """
    hypermodel, data = definition.hypermodel, definition.data
    if "path" not in hypermodel.model_fields_set:
        raise DefinitionError(
            "hypermodel.path: is missing, so there is nothing to train; write path = 'my_model.py:build' "
            f"under [hypermodel], or path = '{BUILT_IN_HYPERMODEL}' for the built-in network ('studyhall init DIR' "
            "writes an example)"
        )
    if "source" not in data.model_fields_set and not is_built_in(hypermodel.path):
        raise DefinitionError(
            f"data.source: is missing, so there is nothing to train {hypermodel.path!r} on; write source = "
            f"'my_data.py:load' under [data], or source = '{BUILT_IN_SOURCES[0]}' for the built-in mixtures of "
            "images"
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # editors on Windows mark UTF-8
    except FileNotFoundError:
        remark = similar_names(path.name, beside(path, "*.toml")) or "give the path of a study's TOML"
        raise DefinitionError(f"there is no file {_shown(path)}; {remark}") from None
    except IsADirectoryError:
        there = sorted(each.name for each in path.glob("*.toml"))
        remark = (
            f"name one of its files: {', '.join(there[:5])}" if there else "give the path of a study's TOML"
        )
        raise DefinitionError(f"{_shown(path)} is a folder; {remark}") from None
    except UnicodeDecodeError as error:
        raise DefinitionError(
            f"{_shown(path)} is not UTF-8 text (byte {error.start}); save it as UTF-8, or give a study's TOML"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = explain(error) if isinstance(error, OSError) else f"{error}."
        raise DefinitionError(f"{_shown(path)} cannot be read: {reason}") from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; so is what Python says to numbers of 5,000 digits
        # tomllib says "... (at line 2, column 5)" or "... (at end of document)".
        reason, _, place = " ".join(str(error).split()).partition(" (at ")
        if not place.startswith("line"):
            place = f"line {max(len(text.splitlines()), 1)}, at its end"
        raise DefinitionError(f"{_shown(path)}, {place.rstrip(')')}: TOML syntax error: {reason}") from None
    except RecursionError:
        raise DefinitionError(f"{_shown(path)} nests tables or lists too deeply; make it flatter") from None


def _put(tables: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a value in nested tables, opening sections that were given in their short form."""
    for depth, name in enumerate(path[:-1], start=1):
        section = section_at(path[:depth])
        inner = tables.get(name, {})
        if isinstance(inner, str) and section is not None and section.shorthand is not None:
            inner = {section.shorthand: inner}
        elif isinstance(inner, bool) and section is not None:
            inner = {}
        if not isinstance(inner, dict):
            raise DefinitionError(
                f"{'.'.join(path[:depth])}: must be a table, to have '{'.'.join(path)}' set"
            )
        tables[name] = inner
        tables = inner
    tables[path[-1]] = value


def _shown(path: Path) -> str:
    return " ".join(str(path).split())
