"""The signature of a definition: a hash of what can change a result, and what tells two of them apart."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from studyhall.studies.definition.definition import Definition
from studyhall.studies.definition.training_sections import UNCHOSEN_PRECISION

# A study may be renamed, moved, described and extended. Of its origin only the code that was read there
# counts.
_UNSIGNED: dict[str, Any] = {
    "name": True,
    "description": True,
    "storage": True,
    "search": {"trials", "hours", "epochs", "target", "repeat", "keep_models", "figures"},
    "origin": {"folder"},
    "from_study": True,
}
_ABSENT = object()


def signature(definition: Definition) -> str:
    """Return the SHA-256 of everything that can change a result, in 64 hexadecimal digits.

    The content of files of code that the definition names counts too, as it was when they were read; what
    those files import does not.
    """
    signed = _signed(definition)
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def differences(study: Definition, file: Definition, where: str = "file") -> list[str]:
    """Return a phrase for each difference in what two definitions sign; none if the signatures are the same.

    Args:
        study: The definition in the storage.
        file: The one that somebody would go on with.
        where: What that one is in, for people.
    """
    old, new = _flat(study), _flat(file)
    phrases = []
    for path in dict.fromkeys([*old, *new]):
        before, after = old.get(path, _ABSENT), new.get(path, _ABSENT)
        if _same(before, after):
            continue
        if path[:2] == ("origin", "files"):
            if _ABSENT not in (before, after):  # otherwise the reference to it differs, which says it better
                phrases.append(f"{path[2]}: its content has changed since the study was created")
        else:
            phrases.append(f"{'.'.join(path)}: {_show(before)} in the study, {_show(after)} in the {where}")
    return phrases


def _flat(definition: Definition) -> dict[tuple[str, ...], Any]:
    return dict(_leaves(_signed(definition), ()))


def _signed(definition: Definition) -> dict[str, Any]:
    signed = definition.model_dump(mode="json", exclude=_UNSIGNED)
    if signed["training"]["precision"] == UNCHOSEN_PRECISION:
        # What nobody chose was called float32 before, and studies that were made then go on.
        signed["training"]["precision"] = "float32"
    if not definition.scheduler.pauses:
        del signed["scheduler"]  # which studies of before do not have, and go on
    return signed


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    else:
        yield path, value


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same as JSON, where 1, 1.0 and true are three things."""
    if _ABSENT in (one, other):
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _show(value: Any) -> str:
    return "not set" if value is _ABSENT or value is None else json.dumps(value, ensure_ascii=False)
