"""A definition as TOML: everything is in it, explained, and it reads back as the same definition."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyhall.studies.definition import Definition
from studyhall.studies.definition.signature import differences, signature
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.study_file.loading import define, load_definition
from studyhall.studies.study_file.writing import to_toml
from tests.support.examples import share_of_examples

CHARACTERS = st.characters(codec="utf-8")  # without surrogates, which are no text
TEXT = st.text(CHARACTERS, max_size=8)
SCALARS = (
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
TABLES = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
SHARES = st.floats(0.0, 1.0)
COUNTS = st.integers(1, 10**6)
SEEDS = st.integers(0, 2**32 - 1)
PLATEAUS = st.booleans() | st.fixed_dictionaries(
    {}, optional={"factor": st.floats(0.01, 0.99), "cooldown": st.integers(0, 9), "min_learning_rate": SHARES}
)
STOPPING = st.booleans() | st.fixed_dictionaries(
    {}, optional={"patience": st.integers(0, 99), "min_delta": SHARES}
)
SAMPLERS = st.sampled_from(
    [
        "tpe",
        "random",
        {"name": "nsga-ii", "options": {"crossover": {"name": "sbx", "options": {"eta": 2.0}}}},
        {"name": "grid", "options": {"search_space": {"a b": [1, 2.5, "x"], 'c."d"': [True]}}},
        {"name": "PartialFixedSampler", "options": {"fixed_params": {"é": 1}, "base_sampler": "random"}},
    ]
)
PRUNERS = st.sampled_from(
    [
        "none",
        "hyperband",
        {"name": "patient", "options": {"wrapped_pruner": {"name": "median"}, "patience": 2}},
    ]
)
FIRST = {"name": "first", "hypermodel": BUILT_IN_HYPERMODEL}
DEFINITIONS = st.fixed_dictionaries(
    {
        "name": st.just("first"),
        "hypermodel": st.just(BUILT_IN_HYPERMODEL)
        | TABLES.map(lambda arguments: {"path": "a.b:c", "arguments": arguments}),
        "data": st.just("synthetic")
        | TABLES.map(lambda arguments: {"source": "a.b:c", "arguments": arguments}),
    },
    optional={
        "description": TEXT,
        "storage": st.fixed_dictionaries({"url": TEXT.map(lambda path: f"sqlite:///{path}")}),
        "objective": TEXT.filter(bool).map(lambda metric: {"metric": metric, "direction": "maximize"}),
        "search": st.fixed_dictionaries({"trials": COUNTS, "seed": SEEDS}),
        "sampler": SAMPLERS,
        "pruner": PRUNERS,
        "training": st.fixed_dictionaries(
            {}, optional={"early_stopping": STOPPING, "reduce_learning_rate": PLATEAUS}
        ),
        "retraining": st.fixed_dictionaries(
            {"early_stopping": STOPPING, "hold": SHARES},
            optional={"batch_size": COUNTS, "samples_per_epoch": COUNTS},
        ),
        "enqueue": st.lists(st.dictionaries(TEXT, SCALARS, min_size=1, max_size=3), max_size=3),
    },
).filter(
    # One's own data say themselves how much an epoch is.
    lambda tables: isinstance(tables["data"], str) or "samples_per_epoch" not in tables.get("retraining", {})
)


@given(DEFINITIONS)
@share_of_examples(1 / 5)
def test_any_definition_reads_back_as_itself_from_its_toml_and_from_its_record(
    tables: dict[str, Any],
) -> None:
    definition = define(tables, Path())
    text = to_toml(definition)
    again = define(tomllib.loads(text), Path())
    assert again == definition
    assert to_toml(again) == text
    restored = Definition.model_validate(json.loads(json.dumps(definition.record())))
    assert restored == definition
    assert signature(again) == signature(restored) == signature(definition)
    assert differences(again, definition) == []


def keys(tables: dict[str, Any], path: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in tables.items():
        found |= {path + key} | (keys(value, f"{path}{key}.") if isinstance(value, dict) else set())
    return found


def test_every_default_is_written_out(tmp_path: Path) -> None:
    definition = define(FIRST, tmp_path)
    shown = keys(tomllib.loads(to_toml(definition)))
    stored = keys(definition.model_dump(exclude={"origin"}))
    # TOML cannot say None: those are comments.
    assert stored - shown == {
        "search.hours",
        "search.epochs",
        "search.target",
        "retraining.samples_per_epoch",
        "retraining.batch_size",
    }
    assert "# batch_size =\n" in to_toml(definition)


def test_every_key_has_its_description_above_it(tmp_path: Path) -> None:
    lines = to_toml(define(FIRST, tmp_path)).splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if line and not line.startswith("#") and "options]" not in above:
            assert above.startswith("#") or above.rstrip().endswith(("true", "5", "2")), (
                f"{line!r} follows {above!r}"
            )
    assert any(
        line.startswith("# Number of trials; raise it later and the study continues") for line in lines
    )
    assert max(map(len, lines)) <= 110


def test_algorithms_are_shown_with_what_else_they_take_and_what_else_there_is(tmp_path: Path) -> None:
    text = to_toml(define(FIRST | {"pruner": "hyperband"}, tmp_path))
    assert "It also takes: n_ei_candidates = 24, constant_liar = true." in text
    assert "It also takes: min_resource = 1, reduction_factor = 3, bootstrap_count = 0." in text
    assert "prior_weight" not in text, "deprecated options are no advice"
    assert "CmaEsSampler" in text
    assert "ThresholdPruner" in text


def test_shown_file_is_a_study_file(tmp_path: Path, repository: Path) -> None:
    definition = load_definition(repository / "studies" / "quickstart.toml")
    path = tmp_path / "again.toml"
    path.write_text(to_toml(definition), encoding="utf-8")
    assert load_definition(path).model_copy(update={"origin": definition.origin}) == definition


def test_password_is_not_shown(tmp_path: Path) -> None:
    text = to_toml(define(FIRST | {"storage": "postgresql://me:secret@host/db"}, tmp_path))
    assert 'url = "postgresql://me:***@host/db"' in text


@pytest.mark.parametrize("text", ['"', "\\", "'''", "a\nb", "\t\r\x00\x7f", "é ☃ 𝄞", "# no comment", "[x]"])
def test_hostile_text_survives(tmp_path: Path, text: str) -> None:
    tables = {
        "name": "first",
        "data": "synthetic",
        "description": text,
        "hypermodel": {"path": "a:b", "arguments": {text: [text]}},
    }
    definition = define(tables, tmp_path)
    assert define(tomllib.loads(to_toml(definition)), tmp_path) == definition
