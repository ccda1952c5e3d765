"""The definition of a script's study: what the arguments of a Tuner come to."""

import operator
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studyhall.search.tuner.errors import ArgumentTypeError
from studyhall.search.tuner.script import DATA, HYPERMODEL
from studyhall.studies.algorithms.registry import PRUNERS, parameters
from studyhall.studies.definition import Definition
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.loading import define
from studyhall.studies.values import Value

DEFAULT_TRIALS = 10
EVERY_MODEL = 1_000_000  # more than there are
NO_PRUNERS = ("none", "nop", "noppruner")
NAME = "name"  # an argument of the HyperModel that stands for the script's: what that is called
ID_DIGITS = "id_digits"  # an argument of the HyperModel that stands for the script's
Algorithm = str | Mapping[str, Any]
"""A sampler or pruner: its name, or {"name": ..., "options": {...}}."""


class OracleSeed(int):
    """The seed of a KerasTuner oracle, which draws one where it is given none and does not tell."""


def whole(name: str, number: Any) -> int | None:
    """Return a whole number as Python's, whatever kind it is of; None stays None.

    Raises:
        ArgumentTypeError: It is no whole number.
    """
    if number is None or isinstance(number, OracleSeed):
        return number
    try:
        return operator.index(number)
    except TypeError:
        raise ArgumentTypeError(f"{name} is {number!r}: give a whole number") from None


def script_definition(
    *,
    study_name: str,
    storage: str,
    objectives: Sequence[Mapping[str, str]],
    max_trials: int | None,
    seed: int | None,
    sampler: Algorithm,
    pruner: Algorithm,
    hypermodel: Any,
    executions_per_trial: int,
    enqueue: Sequence[Mapping[str, Value]],
    from_study: Sequence[str],
    keep_models: int | None,
    repeat: bool,
) -> Definition:
    """Return the definition of the study that a Tuner makes.

    The code of the script is no part of it: a script may be edited and go on with its study, as with
    KerasTuner. Where `max_trials` is None there are ten, where `seed` is None it is drawn.

    Raises:
        DefinitionError: An argument says something that no study can do.
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
    trials = DEFAULT_TRIALS if max_trials is None else max_trials
    facts = {
        NAME: _name_of(hypermodel),
        "executions_per_trial": executions_per_trial,
        ID_DIGITS: len(str(trials)),
    }
    tables: dict[str, Any] = {
        "name": study_name,
        "storage": storage,
        "objective": [dict(each) for each in objectives] if len(objectives) > 1 else dict(objectives[0]),
        "search": {
            "trials": trials,
            "seed": secrets.randbelow(2**32) if seed is None else seed,
            "keep_models": EVERY_MODEL if keep_models is None else keep_models,
            "repeat": repeat,
        },
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


def with_trials(definition: Definition, trials: int) -> Definition:
    """Return the definition with so many trials, which its script did not say."""
    return definition.model_copy(update={"search": definition.search.model_copy(update={"trials": trials})})


def going_on(
    definition: Definition, stored: Definition, max_trials: int | None, seed: int | None
) -> Definition:
    """Return the definition with which a script goes on; what it leaves open is the study's.

    So is the name of its function, which may have changed: it is there for people.

    Args:
        definition: The one that the script would make a study of.
        stored: The study's.
        max_trials: What the script says, or None.
        seed: Likewise.
    """
    left_open = {"trials": max_trials, "seed": seed}
    search = {name: getattr(stored.search, name) for name, given in left_open.items() if given is None}
    arguments = {name: value for name, value in definition.hypermodel.arguments.items() if name != ID_DIGITS}
    for name in {NAME, ID_DIGITS} & stored.hypermodel.arguments.keys():
        arguments[name] = stored.hypermodel.arguments[name]
    return definition.model_copy(
        update={
            "search": definition.search.model_copy(update=search),
            "hypermodel": definition.hypermodel.model_copy(update={"arguments": arguments}),
        }
    )


def pruners_epochs(definition: Definition) -> int | None:
    """Return how many epochs a study's pruner takes a trial to have, as Hyperband must know.

    It returns None where the pruner does not say.
    """
    most = definition.pruner.options.get("max_resource")
    return most if isinstance(most, int) else None


def id_digits(definition: Definition) -> int:
    """Return how many digits the ids of a study's trials have, as many as the trials that it was made for."""
    told = definition.hypermodel.arguments.get(ID_DIGITS)
    return told if isinstance(told, int) else len(str(definition.search.trials))


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
