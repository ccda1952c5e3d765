"""The text of a study's note in Markdown: its best result, its published bundle, and its definition."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomli_w

from studyhall.studies.bundle.record import BundleRecord
from studyhall.studies.definition import Definition
from studyhall.studies.values import Value

_NOT_SHOWN = ("name", "description", "storage", "origin")  # said elsewhere, or nobody's business


@dataclass(frozen=True)
class NotedTrial:
    """The best trial, as the note shows it.

    `values` are those of the objectives, `picture` is an artifact's id, `pruned_after` the epoch after which
    the pruner ended it.
    """

    trial_id: int
    number: int
    values: Sequence[float]
    hyperparameters: Mapping[str, Value]
    parameters: int | None
    picture: str | None
    pruned_after: int | None = None


def note_text(
    definition: Definition,
    study_id: int | None = None,
    best: NotedTrial | None = None,
    bundle: BundleRecord | None = None,
) -> str:
    """Return our part of a study's note.

    Args:
        definition: The study's.
        study_id: Its number in the storage; needed for links, and so where there is anything to link to.
        best: Its best trial; None before the first one.
        bundle: The published bundle; None before the first one.
    """
    parts = [_inline(definition.description)] if definition.description else []
    if best is not None:
        parts += _best(definition, study_id, best)
    if bundle is not None:
        parts += _published(study_id, bundle)
    parts += [
        "### Definition",
        "What its study file says beyond the defaults; `studyhall show STUDY.toml` explains all of it.",
        _fenced(settings(definition)),
    ]
    return "\n\n".join(parts) + "\n"


def settings(definition: Definition) -> str:
    """Return as TOML what a definition says beyond the defaults."""
    said = _beyond(definition.record(), Definition(name=definition.name).record())
    return tomli_w.dumps({key: value for key, value in said.items() if key not in _NOT_SHOWN})


def _best(definition: Definition, study_id: int | None, best: NotedTrial) -> list[str]:
    values = ", ".join(
        f"{_inline(metric)} {value:.6g}"
        for metric, value in zip(definition.metrics, best.values, strict=True)
    )
    page = f"/dashboard/studies/{study_id}/trials?numbers={best.number}"
    lines = [f"- {_inline(name)}: {_inline(f'{value}')}" for name, value in best.hyperparameters.items()]
    if best.parameters is not None:
        lines.append(f"- size of the model: {best.parameters:,} numbers")
    trial = f"[Trial {best.number}]({page})"
    if best.pruned_after is not None:
        trial += f", ended by the pruner after epoch {best.pruned_after}"
    parts = [f"### Best: {values}", f"{trial}, with", "\n".join(lines)]
    if best.picture is not None:
        parts.append(
            f"![Predictions of trial {best.number}](/artifacts/{study_id}/{best.trial_id}/{best.picture})"
        )
    return parts if lines else [parts[0], trial, *parts[3:]]


def _published(study_id: int | None, bundle: BundleRecord) -> list[str]:
    what = f"trial {bundle.trial}" + (", retrained" if bundle.source == "retrained" else "")
    reached = "" if bundle.value is None else f" with {bundle.value:.6g}"
    parts = [
        f"### Published: {what}{reached}",
        f"On {bundle.created:%d %B %Y, %H:%M} UTC. Fetch it with `studyhall fetch {bundle.study}`.",
    ]
    for name in ("separations.png", "history.png"):
        if name in bundle.files:
            parts.append(f"![{name}](/artifacts/{study_id}/{bundle.files[name].artifact_id})")
    return parts


def _beyond(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs from the defaults, plain values before tables, without what is not set."""
    plain: dict[str, Any] = {}
    tables: dict[str, Any] = {}
    for key, value in values.items():
        default = defaults.get(key)
        if value is None or value == default:
            continue
        if isinstance(value, dict):
            tables[key] = _beyond(value, default if isinstance(default, dict) else {})
        elif isinstance(value, list):
            plain[key] = [_beyond(each, {}) if isinstance(each, dict) else each for each in value]
        else:
            plain[key] = value
    return plain | tables


def _inline(text: str) -> str:
    """Return people's text in one line, without a meaning in Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~&$-])", r"\\\1", " ".join(text.split()))


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}toml\n{text.rstrip()}\n{fence}"
