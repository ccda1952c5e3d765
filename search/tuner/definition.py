"""The definition of a script's study: what the arguments of a Tuner come to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studyhall.search.tuner.script import DATA, HYPERMODEL
from studyhall.studies.definition import Definition, Value
from studyhall.studies.definition_file import define
from studyhall.studies.errors import DefinitionError
from studyhall.studies.optuna_classes import PRUNERS, parameters

Algorithm = str | Mapping[str, Any]
"""A sampler or pruner: its name, or {"name": ..., "options": {...}}."""


def script_definition(
    *,
    study_name: str,
    storage: str,
    objectives: Sequence[Mapping[str, str]],
    max_trials: int,
    seed: int,
    sampler: Algorithm,
    pruner: Algorithm,
    hypermodel: Any,
    executions_per_trial: int,
    enqueue: Sequence[Mapping[str, Value]],
    from_study: Sequence[str],
    keep_models: int,
) -> Definition:
    """Return the definition of the study that a Tuner makes or joins.

    The code of the script is no part of it: a script may be edited and go on with its study, as with KerasTuner.

    Raises:
        DefinitionError: an argument says something that no study can do.
    """
    _check(sampler, "sampler")
    _check(pruner, "pruner")
    name = pruner if isinstance(pruner, str) else pruner["name"]
    if "max_resource" in parameters(PRUNERS.find(name, "pruner")) and (
        isinstance(pruner, str) or "max_resource" not in pruner.get("options", {})
    ):
        raise DefinitionError(
            f"pruner {name!r} must know how many epochs a trial has: give "
            f'pruner={{"name": {name!r}, "options": {{"max_resource": EPOCHS}}}}'
        )
    facts = {"name": _name_of(hypermodel), "executions_per_trial": executions_per_trial}
    tables: dict[str, Any] = {
        "name": study_name,
        "storage": storage,
        "objective": [dict(each) for each in objectives] if len(objectives) > 1 else dict(objectives[0]),
        "search": {"trials": max_trials, "seed": seed, "keep_models": keep_models},
        "sampler": sampler,
        "pruner": pruner,
        "hypermodel": {"path": HYPERMODEL, "arguments": facts},
        "data": {"source": DATA},
        "training": {"early_stopping": False, "reduce_learning_rate": False},
        "enqueue": [dict(each) for each in enqueue],
    }
    if from_study:
        tables["from_study"] = list(from_study)
    return define(tables, Path.cwd())


def _check(given: Any, what: str) -> None:
    if isinstance(given, str) or (isinstance(given, Mapping) and "name" in given):
        return
    raise DefinitionError(
        f"{what} is a {type(given).__name__}: give one of Optuna's by name, as in {what}='tpe', or with options, as in "
        f'{what}={{"name": ..., "options": {{...}}}}: the study keeps it for every process'
    )


def _name_of(hypermodel: Any) -> str:
    """Return a name that is the same in every process that runs the script."""
    if hypermodel is None:
        return "run_trial"
    return str(getattr(hypermodel, "__qualname__", None) or type(hypermodel).__qualname__)
