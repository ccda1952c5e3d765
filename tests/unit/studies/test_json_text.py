"""JSON of ours is JSON: what it has no number for is null, in every place that writes it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from studyhall.studies.json_text import finite, to_json

NAN, INFINITY = float("nan"), float("inf")

# Why each of these may write JSON without `to_json`.
OTHERS = {
    "search/training/checkpoint.py": "Studyhall alone reads a checkpoint, and goes on with the same numbers",
    "search/training/saving.py": "file names for a process of ours",
    "search/training/stranger.py": "the names of classes, and a message, for the process that asked",
    "search/user/data.py": "a key and a fingerprint of arguments, which a definition takes only where they are finite",
    "studies/json_text.py": "it is `to_json`",
    "studies/storage/leased_storage.py": "a sampler's own system attribute",
    "studies/definition/signature.py": "what is signed must stay as it is; it refuses what is not finite",
    "studies/study/space.py": "names that are hashed",
    "studies/storage/study_storage.py": "a sampler's own system attribute",
    "studies/queue/trial_writes.py": "a sampler's own system attribute",
}


def strictly(text: str) -> Any:
    """Read JSON as other programs do, which know no NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (NAN, None),
        (-INFINITY, None),
        (np.float64("nan"), None),
        (1.5, 1.5),
        (7, 7),
        (True, True),
        ("nan", "nan"),
        (None, None),
        (
            {"loss": [0.5, NAN], "f1": [[NAN, 1.0], (INFINITY, 2)]},
            {"loss": [0.5, None], "f1": [[None, 1.0], [None, 2]]},
        ),
        (MappingProxyType({"test": {"joint": {"mean": NAN}}}), {"test": {"joint": {"mean": None}}}),
    ],
)
def test_numbers_that_json_does_not_know_become_null_however_deep(value: Any, read: Any) -> None:
    assert finite(value) == read
    assert strictly(to_json(value)) == read


def test_what_is_given_is_left_as_it_is() -> None:
    history: Mapping[str, list[float]] = {"loss": [NAN]}
    finite(history)
    assert history["loss"][0] != history["loss"][0]


def test_no_other_module_writes_json_by_itself(repository: Path) -> None:
    writers = {
        str(path.relative_to(repository))
        for room in ("search", "studies", "models", "data")
        for path in (repository / room).glob("**/*.py")
        if re.search(r"\bjson\.dumps?\(", path.read_text(encoding="utf-8"))
    }
    assert writers == set(OTHERS)
