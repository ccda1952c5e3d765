"""`studyhall import` at work: the trials of a KerasTuner project, written into a study as finished ones."""

import math
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from keras_tuner.engine.hyperparameters import Fixed
from optuna.trial import FrozenTrial, TrialState

from studyhall.search.bridge.distributions import parameter_of
from studyhall.search.bridge.names import parameter_name
from studyhall.search.tuner.kerastuner_project import OldTrial, Project, read_project
from studyhall.search.tuner.script import DATA, HYPERMODEL
from studyhall.studies.database.attributes import (
    BEST_EPOCH,
    FAILURE,
    FIXED_HYPERPARAMETERS,
    HYPERPARAMETERS,
    KERASTUNER,
    METRICS,
    REASON,
)
from studyhall.studies.database.retrying import Patience
from studyhall.studies.definition import Definition
from studyhall.studies.errors import DefinitionError, StudyNotFoundError
from studyhall.studies.json_text import finite
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.opening import open_study
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import define
from studyhall.studies.study_file.reference import StudyReference

UNFINISHED = ("RUNNING", "IDLE", "STOPPED")


@dataclass(frozen=True)
class Imported:
    """What became of a project's trials: how many are in the study, and why others are not."""

    study: str
    complete: int
    failed: int
    left_out: dict[str, int]


def import_and_show(folder: Path, reference: StudyReference) -> None:
    """Write a project's trials into a study, and say what became of them.

    Args:
        folder: The project directory.
        reference: The study; a new one that holds nothing else where the storage does not have it.

    Raises:
        StudyhallError: The project cannot be read, was imported before, or has nothing that the study could
            use.
    """
    done = import_project(read_project(folder), reference)
    sys.stdout.write(
        f"{done.study} has {done.complete} complete and {done.failed} failed trials of {folder}\n"
    )
    for why, count in done.left_out.items():
        sys.stdout.write(f"  {count} were left out: {why}\n")
    sys.stdout.write(f"Begin another study with the best of them: from_study = [{done.study!r}]\n")


def import_project(project: Project, reference: StudyReference) -> Imported:
    """Write a project's trials into a study; see `import_and_show`."""
    if not any(trial.score is not None for trial in project.trials):
        raise DefinitionError(f"{project.name} has no finished trial to import")
    study = _study(project, reference)
    with closing(study.storage):
        return _import(project, study)


def _import(project: Project, study: Study) -> Imported:
    there = {trial.user_attrs.get(KERASTUNER) for trial in study.optuna().get_trials(deepcopy=False)}
    left_out: Counter[str] = Counter()
    made: list[FrozenTrial] = []
    for old in project.trials:
        if f"{project.name}/{old.trial_id}" in there:
            left_out["they are in the study already"] += 1
            continue
        trial = _frozen(project, old, study.definition)
        if isinstance(trial, str):
            left_out[trial] += 1
        else:
            made.append(trial)
    with study.storage.explained():
        study.optuna().add_trials(made)
    complete = sum(trial.state is TrialState.COMPLETE for trial in made)
    return Imported(study.name, complete, len(made) - complete, dict(left_out))


def _study(project: Project, reference: StudyReference) -> Study:
    storage = open_storage(reference.storage_url, create=True)
    try:
        return Study.open(storage, reference.name)
    except StudyNotFoundError:
        storage.close()
    definition = _definition(project, reference)
    artifacts = reference.store_location(definition.storage.artifacts)
    study, _ = open_study(
        reference.storage_url, artifacts, definition, Patience(), rebudget=False, empty=True
    )
    return study


def _definition(project: Project, reference: StudyReference) -> Definition:
    metric, direction = _objective(project)
    return define(
        {
            "name": reference.name,
            "description": f"Imported from KerasTuner's project {project.name}.",
            "objective": {"metric": metric, "direction": direction},
            "search": {"trials": 1},
            "hypermodel": {"path": HYPERMODEL, "arguments": {"kerastuner_project": project.name}},
            "data": {"source": DATA},
        },
        Path.cwd(),
    )


def _objective(project: Project) -> tuple[str, str]:
    """Return the metric whose values the scores are: KerasTuner's files do not name it."""
    scored = [trial for trial in project.trials if trial.score is not None]
    names = [
        name
        for name in scored[0].metrics
        if all(
            name in each.metrics and math.isclose(each.metrics[name], each.score or 0.0, rel_tol=1e-9)
            for each in scored
        )
    ]
    if not names:
        raise DefinitionError(
            f"the scores of {project.name} are the values of none of its metrics, and an objective must be one of them"
        )
    # What is validated is what people search for, where two metrics agree in every trial.
    name = next((each for each in names if each.startswith("val_")), names[0])
    return name, "maximize" if scored[0].directions[name] == "max" else "minimize"


def _frozen(project: Project, old: OldTrial, definition: Definition) -> FrozenTrial | str:
    """Return a trial as Optuna keeps it, or why it cannot be."""
    if old.status in UNFINISHED:
        return "they were not finished"
    hp = project.space.copy()
    hp.values = dict(old.values)
    fixed = {each.name for each in hp.space if isinstance(each, Fixed)}
    parameters, distributions = {}, {}
    for name, stored, distribution in _stored(hp):
        parameters[name], distributions[name] = stored, distribution
    facts: dict[str, Any] = {
        KERASTUNER: f"{project.name}/{old.trial_id}",
        HYPERPARAMETERS: {name: value for name, value in old.values.items() if name not in fixed},
        FIXED_HYPERPARAMETERS: {name: value for name, value in old.values.items() if name in fixed},
        METRICS: finite(old.metrics),
        BEST_EPOCH: old.best_step + 1,
    }
    if old.score is None:
        lines = (old.message or "").strip().splitlines()
        facts |= {FAILURE: FailureKind.ERROR, REASON: lines[-1] if lines else "KerasTuner does not say why"}
        return optuna.trial.create_trial(
            state=TrialState.FAIL, params=parameters, distributions=distributions, user_attrs=facts
        )
    missing = [metric for metric in definition.metrics if metric not in old.metrics]
    if missing:
        return f"they have no {', '.join(missing)}, which is what {definition.name} is judged by"
    return optuna.trial.create_trial(
        values=[old.metrics[metric] for metric in definition.metrics],
        params=parameters,
        distributions=distributions,
        user_attrs=facts,
    )


def _stored(hp: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the Optuna side of every hyperparameter that is active and has a legal value.

    KerasTuner's own draws may lie off its grids by a rounding; what is further off is only kept as a fact for
    people.
    """
    for each in hp.space:
        parameter = parameter_of(each)
        if parameter is None or not hp.is_active(each) or each.name not in hp.values:
            continue
        value = parameter.legal(hp.values[each.name])
        if value is not None:
            yield parameter_name(each, parameter), parameter.stored(value), parameter.distribution
