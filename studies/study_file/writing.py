"""A definition as TOML that explains itself: each value under a comment that says what it is."""

import textwrap
from collections.abc import Iterator
from typing import Any

import tomli_w

from studyhall.studies.algorithms.options import usable_options
from studyhall.studies.algorithms.registry import PRUNERS, SAMPLERS
from studyhall.studies.definition import Definition
from studyhall.studies.definition.section import Section

WIDTH = 100  # characters in a line of comment


def to_toml(definition: Definition) -> str:
    """Return the text of a study file that means the same; only a password in the storage's URL is masked.

    A budget that was scaled is written as it is now, and its scale as a comment: reading it must not shrink
    it again.

    Raises:
        DefinitionError: The definition names a sampler or pruner that does not exist.
    """
    return "\n".join(_section(definition, (), definition.record())) + "\n"


def _section(section: Section, path: tuple[str, ...], values: dict[str, Any]) -> Iterator[str]:
    """Yield a section's lines: its plain values first, because in TOML a table ends where the next begins."""
    tables: list[str] = []
    for name, field in type(section).model_fields.items():
        if not path and name == "origin":
            continue
        value, inner = values[name], getattr(section, name)
        comment = [*_comment(field.description or ""), *_comment(_more(section, path, name))]
        header = ".".join((*path, name))
        if isinstance(inner, Section):
            tables += ["", *comment, f"[{header}]", *_section(inner, (*path, name), value)]
        elif isinstance(value, dict) and value:
            tables += ["", *comment, f"[{header}]", *_lines(value)]
        elif isinstance(value, list) and value:
            tables += ["", *comment]
            for each in value:
                tables += [f"[[{header}]]", *_lines(each)]
        else:
            yield from comment
            if value is None:
                yield f"# {name} ="
            elif (*path, name) == ("scale",) and value != 1.0:
                yield f"# The numbers below are at this scale already: {name} = {_inline(value)}"
            else:
                yield f"{name} = {_inline(value)}"
    yield from tables


def _lines(table: dict[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_inline(value)}" for key, value in table.items()]


def _inline(value: Any) -> str:
    """Return a value in one line; tomli_w alone would spread lists and tables over many."""
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(_lines(value))}}}"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")


def _more(section: Any, path: tuple[str, ...], name: str) -> str:
    """What a class of Optuna's takes besides, with its defaults."""
    family = {"sampler": SAMPLERS, "pruner": PRUNERS}.get(".".join(path))
    if family is None or name not in ("name", "options"):
        return ""
    if name == "name":
        return f"There is {', '.join(family.classes())}."
    known = usable_options(family.find(section.name, f"{path[0]}.name"))
    # Where Optuna's default is None it decides by itself.
    said = [
        key if default is None else f"{key} = {_inline(default)}"
        for key, default in known.items()
        if key not in section.options
    ]
    return f"It also takes: {', '.join(said)}." if said else ""


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH - 2)]
