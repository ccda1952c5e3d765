"""JSON that every reader takes: NaN and the infinities, which JSON does not know, become null."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def finite(value: Any) -> Any:
    """Return JSON values with None in place of numbers that JSON does not know.

    Args:
        value: Numbers, texts, None, and lists and mappings of them, nested at will.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [finite(each) for each in value]
    return value


def to_json(value: Any, **options: Any) -> str:
    """Return JSON values as text; `options` are those of `json.dumps`."""
    return json.dumps(finite(value), allow_nan=False, **options)
