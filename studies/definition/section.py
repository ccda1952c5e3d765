"""What every section of a definition has in common: a frozen table that refuses what it does not know."""

import math
import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, model_validator

from studyhall.studies.values import Value

_NAME = r"[^\W\d]\w*"
_REFERENCE = re.compile(rf"([^:\r\n]*[^:\r\n/]\.py|{_NAME}(\.{_NAME})*):{_NAME}")


class Section(BaseModel):
    """A table of the definition; unknown keys are refused, and no value is converted to another type.

    Where `shorthand` names a field, the whole table may be given as that field's text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    shorthand: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, given: Any) -> Any:
        if cls.shorthand is not None and isinstance(given, str):
            given = {cls.shorthand: given}
        return cls.complete(given) if isinstance(given, dict) else given

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Return the table with those defaults filled in that depend on what was given."""
        return given


def is_reference(text: str) -> bool:
    """Whether a text is `file.py:name` or `package.module:name`."""
    return _REFERENCE.fullmatch(text) is not None


def file_of(reference: str) -> str | None:
    """Return the file of a reference `file.py:name`, as it is written there; None if it names a module."""
    where, colon, _ = reference.rpartition(":")
    return where if colon and where.endswith(".py") else None


def _checked_reference(text: str) -> str:
    if not is_reference(text):
        raise ValueError(
            f"{text!r} names no class or function; write 'file.py:name' or 'package.module:name'"
        )
    return text


def _plain(given: Any) -> Any:
    """Refuse what JSON cannot hold and give back: dates, nan, infinities."""
    match given:
        case float() if not math.isfinite(given):
            raise ValueError(f"{given} cannot be used here; give a finite number")
        case bool() | int() | float() | str():
            return given
        case list():
            return [_plain(each) for each in given]
        case dict() if all(isinstance(key, str) for key in given):
            return {key: _plain(each) for key, each in given.items()}
    raise ValueError(f"{given!r} cannot be used here; give text, numbers, true, false, lists or tables")


def _value(given: Any) -> Any:
    if isinstance(given, bool | int | float | str):
        return _plain(given)
    raise ValueError(f"must be text, a number, true or false, not {given!r}")


Reference = Annotated[str, AfterValidator(_checked_reference)]
"""Where a class or function of somebody's code is."""

Table = Annotated[dict[str, Any], AfterValidator(_plain)]
"""A table whose keys are known to the code that receives it, and to nobody before."""

HyperparameterValue = Annotated[Value, PlainValidator(_value)]
