"""What pydantic found wrong with a definition, as one line that names the key and what is allowed."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import ValidationError

from studyhall.did_you_mean import closest, did_you_mean, suggested
from studyhall.studies.definition import Definition
from studyhall.studies.definition.section import Section
from studyhall.studies.definition.training_sections import OFF, ON

LONGEST = 60  # characters of a wrong value that are worth repeating
_MISSPELT = 0.9  # of 1: a letter is missing
_HIDDEN = "origin"  # recorded with a definition, but no key of its TOML


def one_line(error: ValidationError) -> str:
    """Return the first problem, and how many more there are."""
    # A misspelt key comes first: what it should have said is often missing too, and that alone would mislead.
    problems = sorted(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    first = problems[0]
    path = [str(part) for part in first["loc"] if part not in (ON, OFF)]
    where = ".".join(path)
    said = f"{where}: {_said(first, path)}" if where else _said(first, path)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return " ".join(f"{said}{more}".split())


def unknown_key(path: Sequence[str]) -> str:
    """Return what to say of a key that no definition has."""
    *parents, key = path
    section = section_at(parents)
    here = [name for name in section.model_fields if parents or name != _HIDDEN] if section else []
    elsewhere = [".".join(each) for each in _known_paths(Definition, ()) if each[-1] == key]
    misspelt = closest(key, here, cutoff=_MISSPELT)
    hint = suggested([*misspelt, *elsewhere][:2]) if elsewhere else did_you_mean(key, here)
    return f"unknown key; {hint}" if hint else "unknown key"


def section_at(path: Sequence[str]) -> type[Section] | None:
    """Return the section that a dotted path leads to; None where it leads to a value, or nowhere."""
    section: type[Section] | None = Definition
    for name in path:
        if section is None or name not in section.model_fields:
            return None
        section = _section_of(section.model_fields[name].annotation)
    return section


def _section_of(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for each in get_args(annotation) if (found := _section_of(each)) is not None), None)


def _known_paths(section: type[Section], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        if not path and name == _HIDDEN:
            continue
        yield (*path, name)
        inner = _section_of(field.annotation)
        if inner is not None:
            yield from _known_paths(inner, (*path, name))


def _said(problem: Any, path: list[str]) -> str:
    given = _short(problem["input"])
    match problem["type"]:
        case "extra_forbidden":
            return unknown_key(path)
        case "value_error":
            return str(problem["ctx"]["error"])
        case "missing":
            return "is missing"
        case "model_type" | "dict_type":
            switch = ", true or false" if ON in problem["loc"] else ""
            return f"must be a table{switch}, not {given}"
        case "literal_error":
            allowed = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
            near = closest(str(problem["input"]), allowed)
            hint = f"; {suggested(near)}" if near else ""
            return f"must be {problem['ctx']['expected']}, not {given}{hint}"
    said = re.sub(r"^(Input|Value|String|List|Dictionary) should", "must", problem["msg"])
    for pydantics, ours in (("a valid ", "a "), ("a integer", "a whole number"), ("a string", "text")):
        said = said.replace(pydantics, ours)
    return f"{said}, not {given}"


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
